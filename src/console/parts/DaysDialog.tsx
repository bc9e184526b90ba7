/**
 * The dialog to choose the first and the last day of a range.
 *
 * @module
 */
import { useState } from "preact/hooks"
import * as Calendar from "../Calendar.ts"
import * as Texts from "../Texts.ts"
import { Dialog } from "./Dialog.tsx"

/** The earliest day that can be chosen. */
const earliest = "2000-01-01"

interface Props {
  readonly shown: readonly [string, string]
  readonly timeZone: string
  readonly onClose: () => void
  readonly onChoose: (days: readonly [string, string]) => void
}

export const DaysDialog = ({ onChoose, onClose, shown, timeZone }: Props) => {
  const [days, setDays] = useState(shown)
  const today = Calendar.today(Date.now(), timeZone)
  const [first, last] = days
  const isReversed = first !== "" && last !== "" && first > last
  return (
    <Dialog title={Texts.range.title} onClose={onClose}>
      <form
        class="days"
        onSubmit={(event) => {
          event.preventDefault()
          if (isReversed) return
          onClose()
          onChoose(days)
        }}
      >
        <label class="field">
          {Texts.range.first}
          <input
            type="date"
            required
            min={earliest}
            max={today}
            value={first}
            onInput={({ currentTarget }) => setDays([currentTarget.value, last])}
          />
        </label>
        <label class="field">
          {Texts.range.last}
          <input
            type="date"
            required
            min={earliest}
            max={today}
            value={last}
            onInput={({ currentTarget }) => setDays([first, currentTarget.value])}
          />
        </label>
        <p class={isReversed ? "bad" : "muted"} role="status">
          {isReversed ? Texts.range.order : Texts.range.zone(timeZone)}
        </p>
        <button type="submit" class="button primary" disabled={isReversed}>
          {Texts.range.apply}
        </button>
      </form>
    </Dialog>
  )
}
