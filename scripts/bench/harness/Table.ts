/**
 * Results as Markdown. Pure.
 *
 * @module
 */
import { format, type Goal, type Measure } from "./Measure.ts"
import * as Statistics from "./Statistics.ts"

const escapeCell = (text: string): string => text.replaceAll("|", "\\|").replaceAll(/\s+/g, " ")

/** A table with padded columns, the first aligned left, the others right. */
export const table = (head: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  const cells = [head, ...rows].map((row) => row.map(escapeCell))
  const widths = head.map((_, column) => Math.max(3, ...cells.map((row) => (row[column] ?? "").length)))
  const pad = (text: string, column: number) =>
    column === 0 ? text.padEnd(widths[column]!) : text.padStart(widths[column]!)
  const line = (row: ReadonlyArray<string>) =>
    `| ${widths.map((_, column) => pad(row[column] ?? "", column)).join(" | ")} |`
  const rule = `| ${widths.map((width, column) => (column === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`)).join(" | ")} |`
  return [line(cells[0]!), rule, ...cells.slice(1).map(line)].join("\n")
}

/** The first cell of the table of a measure. */
export const headingOf = ({ title, unit }: Pick<Measure, "title" | "unit">): string => `${title}, ${unit}`

/** The column of the processor time of the measured processes. */
export const ownColumn = "own µs"

/** One measure. The other rows are compared with the first; rates have two more columns for the processor time. */
export const ofMeasure = (measure: Measure): string => {
  const [first] = measure.rows
  const hasProcessorTime = measure.rows.some(({ processorTime }) => processorTime !== undefined)
  const head = [headingOf(measure), "median", "least", "most", "spread", "times"]
  return table(
    hasProcessorTime ? [...head, ownColumn, `${measure.store ?? "PostgreSQL"} µs`] : head,
    measure.rows.map(({ contender, isLowerBound, processorTime, samples }) => {
      const value = (number: number) => `${isLowerBound === true ? "≥ " : ""}${format(number)}`
      const times = format(Statistics.ratio(first?.samples ?? [], samples))
      return [
        contender,
        value(Statistics.median(samples)),
        value(samples.length === 0 ? Number.NaN : Math.min(...samples)),
        value(samples.length === 0 ? Number.NaN : Math.max(...samples)),
        samples.length < 2 ? "-" : `${Math.round(Statistics.spread(samples) * 100)} %`,
        isLowerBound === true ? `≤ ${times}` : times,
        value(Statistics.median(processorTime?.own ?? [])),
        value(Statistics.median(processorTime?.store ?? []))
      ]
    })
  )
}

export const ofGoals = (goals: ReadonlyArray<Goal>): string =>
  table(
    ["goal", "wanted", "measured", "met"],
    goals.map((goal) => [
      goal.text,
      goal.goal,
      goal.measured,
      goal.met === "unclear" ? "unclear" : goal.met ? "yes" : "no"
    ])
  )

/** Replaces the text between `<!-- name -->` and `<!-- /name -->`; undefined if the document lacks them in this order. */
export const replaceSection = (document: string, name: string, text: string): string | undefined => {
  const [open, close] = [`<!-- ${name} -->`, `<!-- /${name} -->`]
  const start = document.indexOf(open)
  const end = document.indexOf(close, start)
  return start < 0 || end < 0
    ? undefined
    : `${document.slice(0, start + open.length)}\n${text.trim()}\n${document.slice(end)}`
}
