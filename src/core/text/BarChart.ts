/**
 * Draws numbers as horizontal bars of text. Pure: the width is given.
 *
 * @module
 */
import * as TerminalText from "./TerminalText.ts"

export interface Bar {
  /** Any text; what a terminal would obey is shown as U+FFFD, and what is too long is cut. */
  readonly label: string
  /** Zero or more. */
  readonly value: number
}

const eighths = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"]

/** A bar of `value / most` of `room` cells, to an eighth of a cell. What is more than nothing is never invisible. */
const bar = (value: number, most: number, room: number): string => {
  if (value <= 0 || most <= 0) return ""
  const parts = Math.max(1, Math.round((value / most) * room * 8))
  return "█".repeat(Math.floor(parts / 8)) + (eighths[parts % 8] ?? "")
}

/** The narrowest chart that still shows a label, a bar and a number. */
export const minWidth = 20

/**
 * One line for each bar: the label, a bar, and the number, right-aligned. The greatest value fills the room; the others
 * are in proportion. No line is wider than `width` cells (`minWidth` at least), unless a number alone needs more.
 */
export const render = (bars: ReadonlyArray<Bar>, width: number): string => {
  const total = Math.max(width, minWidth)
  const numbers = bars.map(({ value }) => String(value))
  const numberWidth = numbers.reduce((most, number) => Math.max(most, number.length), 0)
  const labels = bars.map(({ label }) => TerminalText.printable(label))
  const longest = labels.reduce((most, label) => Math.max(most, TerminalText.width(label)), 0)
  // The label may take a third, and what it leaves is the bar's: one cell at least.
  const labelWidth = Math.min(longest, Math.max(1, Math.min(Math.floor(total / 3), total - numberWidth - 5)))
  const room = Math.max(1, total - labelWidth - numberWidth - 4)
  const most = bars.reduce((greatest, { value }) => Math.max(greatest, value), 0)
  return bars
    .map(({ value }, index) => {
      const label = TerminalText.padEnd(TerminalText.cut(labels[index] ?? "", labelWidth), labelWidth)
      const number = (numbers[index] ?? "").padStart(numberWidth)
      return `${label}  ${TerminalText.padEnd(bar(value, most, room), room)}  ${number}\n`
    })
    .join("")
}
