/**
 * A menu that chooses the days whose entries a list shows.
 *
 * @module
 */
import { useState } from "preact/hooks"
import type { Days } from "../Address.ts"
import * as Calendar from "../Calendar.ts"
import * as Format from "../Format.ts"
import * as Texts from "../Texts.ts"
import { DaysDialog } from "./DaysDialog.tsx"
import { Icon } from "./Icon.tsx"
import { type Choice, Menu } from "./Menu.tsx"

interface Props {
  readonly timeZone: string
  /** Null for all. */
  readonly days: Days | null
  readonly onChoose: (days: Days | null) => void
}

const isSame = (left: Days | null, right: Days | null): boolean => left?.[0] === right?.[0] && left?.[1] === right?.[1]

export const DaysMenu = ({ days, onChoose, timeZone }: Props) => {
  const [isChoosing, setChoosing] = useState(false)
  const today = Calendar.today(Date.now(), timeZone)
  const last = (count: number): Days => [Calendar.addDays(today, 1 - count), today]
  const choices: ReadonlyArray<readonly [string, Days | null]> = [
    [Texts.ranges.all, null],
    [Texts.ranges.day, last(1)],
    [Texts.ranges["7d"], last(7)],
    [Texts.ranges["30d"], last(30)]
  ]
  const currentLabel =
    choices.find(([, choice]) => isSame(choice, days))?.[0] ?? (days === null ? "" : Format.days(days))
  const items: ReadonlyArray<Choice<Days | null | "choose">> = [
    ...choices.map(([label, value]) => ({ value, label, isCurrent: isSame(value, days) })),
    { value: "choose", label: Texts.range.choose, hasSeparator: true }
  ]
  return (
    <>
      <Menu
        label={`${Texts.range.label}: ${currentLabel}`}
        side="end"
        choices={items}
        onChoose={(value) => (value === "choose" ? setChoosing(true) : onChoose(value))}
      >
        <Icon name="calendar" />
        {currentLabel}
      </Menu>
      {isChoosing && (
        <DaysDialog
          timeZone={timeZone}
          shown={days ?? [today, today]}
          onClose={() => setChoosing(false)}
          onChoose={onChoose}
        />
      )}
    </>
  )
}
