/**
 * Chooses the days and what they are compared with.
 *
 * @module
 */
import { useState } from "preact/hooks"
import type { Comparison, Range } from "../Address.ts"
import * as Calendar from "../Calendar.ts"
import * as Format from "../Format.ts"
import { go, useAddress } from "../Location.ts"
import { DaysDialog } from "../parts/DaysDialog.tsx"
import { type Choice, Menu } from "../parts/Menu.tsx"
import * as Texts from "../Texts.ts"

type NamedRange = Exclude<Range, ReadonlyArray<string>>

/** The choices, in groups. */
const groups: ReadonlyArray<ReadonlyArray<NamedRange>> = [
  ["day", "yesterday"],
  ["7d", "30d", "91d"],
  ["month", "last-month"],
  ["year", "12mo", "all"]
]

/** Whether the API has a period for a range. A shared dashboard offers no other ranges. */
const isPeriod = (range: NamedRange): boolean => range !== "yesterday" && range !== "last-month"

interface Props {
  readonly timeZone: string
  /** The days that are shown; undefined while they are not loaded. */
  readonly shown: readonly [string, string] | undefined
}

export const RangePicker = ({ shown, timeZone }: Props) => {
  const { comparison, range, share } = useAddress()
  const [isChoosing, setChoosing] = useState(false)
  const today = Calendar.today(Date.now(), timeZone)
  const choices: ReadonlyArray<Choice<Range | "choose">> = [
    ...groups.flatMap((group, index) =>
      group
        .filter((value) => share === null || isPeriod(value))
        .map((value, place) => ({
          value,
          label: Texts.ranges[value],
          isCurrent: value === range,
          hasSeparator: index > 0 && place === 0
        }))
    ),
    ...(share === null
      ? [
          {
            value: "choose",
            label: Texts.range.choose,
            isCurrent: typeof range !== "string",
            hasSeparator: true
          } as const
        ]
      : [])
  ]
  const comparisons: ReadonlyArray<Choice<Comparison | null>> = [
    ...(["previous_period", "year_over_year"] as const).map((value) => ({
      value,
      label: Texts.comparison.names[value],
      isCurrent: value === comparison
    })),
    { value: null, label: Texts.comparison.none, isCurrent: comparison === null, hasSeparator: true }
  ]
  const comparedWith =
    comparison === null ? Texts.comparison.none : Texts.comparison.with(Texts.comparison.names[comparison])
  return (
    <>
      <Menu
        label={`${Texts.range.label}: ${Format.range(range)}`}
        side="end"
        choices={choices}
        onChoose={(value) => (value === "choose" ? setChoosing(true) : go({ range: value, interval: null }))}
      >
        {Format.range(range)}
      </Menu>
      <Menu
        label={`${Texts.comparison.label}: ${comparedWith}`}
        side="end"
        choices={comparisons}
        onChoose={(value) => go({ comparison: value })}
      >
        <span class={comparison === null ? "muted" : undefined}>{comparedWith}</span>
      </Menu>
      {isChoosing && (
        <DaysDialog
          timeZone={timeZone}
          shown={shown ?? [today, today]}
          onClose={() => setChoosing(false)}
          onChoose={(days) => go({ range: days, interval: null })}
        />
      )}
    </>
  )
}
