/**
 * Draws horizontal bar charts as text. Pure: the width is an argument.
 *
 * @module
 */
import * as TerminalText from "./TerminalText.ts"

export interface Bar {
  /** Any text. Control characters are shown as U+FFFD, and a long label is truncated. */
  readonly label: string
  /** Zero or more. */
  readonly value: number
}

const eighths = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"]

/** A bar of `value / max` of `cells`, to an eighth of a cell. A positive value is always visible. */
const bar = (value: number, max: number, cells: number): string => {
  if (value <= 0 || max <= 0) return ""
  const parts = Math.max(1, Math.round((value / max) * cells * 8))
  return "█".repeat(Math.floor(parts / 8)) + (eighths[parts % 8] ?? "")
}

/** The minimum width of a chart, in cells. */
export const minWidth = 20

/**
 * One line per bar: the label, the bar, and the right-aligned number. The largest value has the longest bar, and the others
 * are proportional. No line is wider than `width` cells (at least `minWidth`), unless a number alone needs more.
 */
export const render = (bars: ReadonlyArray<Bar>, width: number): string => {
  const total = Math.max(width, minWidth)
  const numbers = bars.map(({ value }) => String(value))
  const numberWidth = numbers.reduce((max, number) => Math.max(max, number.length), 0)
  const labels = bars.map(({ label }) => TerminalText.printable(label))
  const longest = labels.reduce((max, label) => Math.max(max, TerminalText.width(label)), 0)
  // Labels take up to a third of the line, and leave at least one cell to the bar.
  const labelWidth = Math.min(longest, Math.max(1, Math.min(Math.floor(total / 3), total - numberWidth - 5)))
  const barWidth = Math.max(1, total - labelWidth - numberWidth - 4)
  const largest = bars.reduce((max, { value }) => Math.max(max, value), 0)
  return bars
    .map(({ value }, index) => {
      const label = TerminalText.padEnd(TerminalText.truncate(labels[index] ?? "", labelWidth), labelWidth)
      const number = (numbers[index] ?? "").padStart(numberWidth)
      return `${label}  ${TerminalText.padEnd(bar(value, largest, barWidth), barWidth)}  ${number}\n`
    })
    .join("")
}
