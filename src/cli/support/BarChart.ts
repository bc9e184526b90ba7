/**
 * Draws horizontal bar charts as text. Pure: the width is an argument.
 *
 * @module
 */
import * as TerminalText from "../../platform/text/TerminalText.ts"

export interface Bar {
  /** Any text. Control characters are shown as U+FFFD, and a long label is truncated. */
  readonly label: string
  /** Zero or more. */
  readonly value: number
  /** Texts after the number, right-aligned in columns. */
  readonly notes?: ReadonlyArray<string>
}

/** The titles of the columns. */
export interface Header {
  readonly label: string
  readonly value: string
  readonly notes: ReadonlyArray<string>
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
 * One line per bar: the label, the bar, the right-aligned number, and the notes. The largest value has the longest bar, and the
 * other bars are proportional. No line is wider than `width` cells (at least `minWidth`), unless the number and the notes leave
 * fewer than six cells.
 */
export const render = (bars: ReadonlyArray<Bar>, width: number, header?: Header): string => {
  const total = Math.max(width, minWidth)
  const cells = bars.map(({ notes = [], value }) => [String(value), ...notes])
  const titles = header === undefined ? [] : [[header.value, ...header.notes]]
  const columns = cells[0] ?? []
  const widths = columns.map((_, column) =>
    [...titles, ...cells].reduce((max, row) => Math.max(max, TerminalText.width(row[column] ?? "")), 0)
  )
  const numberWidth = widths.reduce((sum, cellWidth) => sum + cellWidth + 2, -2)
  const labels = bars.map(({ label }) => TerminalText.printable(label))
  const longest = [...labels, header?.label ?? ""].reduce((max, label) => Math.max(max, TerminalText.width(label)), 0)
  // Labels take up to a third of the line, and leave at least one cell to the bar.
  const labelWidth = Math.min(longest, Math.max(1, Math.min(Math.floor(total / 3), total - numberWidth - 5)))
  const barWidth = Math.max(1, total - labelWidth - numberWidth - 4)
  const largest = bars.reduce((max, { value }) => Math.max(max, value), 0)
  const line = (label: string, drawn: string, row: ReadonlyArray<string>) => {
    const numbers = widths.map((cellWidth, column) => TerminalText.padStart(row[column] ?? "", cellWidth))
    const name = TerminalText.padEnd(TerminalText.truncate(label, labelWidth), labelWidth)
    return `${name}  ${TerminalText.padEnd(drawn, barWidth)}  ${numbers.join("  ")}\n`
  }
  return [
    ...(header === undefined || bars.length === 0
      ? []
      : [line(TerminalText.printable(header.label), "", [header.value, ...header.notes])]),
    ...bars.map(({ value }, index) => line(labels[index] ?? "", bar(value, largest, barWidth), cells[index] ?? []))
  ].join("")
}
