/**
 * The results as Markdown. Pure.
 *
 * @module
 */
import { digits, type Goal, type Measure } from "./Measure.ts"
import * as Numbers from "./Numbers.ts"

const cell = (text: string): string => text.replaceAll("|", "\\|").replaceAll(/\s+/g, " ")

/** A table with aligned columns; the first to the left, the others to the right. */
export const table = (head: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  const cells = [head, ...rows].map((row) => row.map(cell))
  const widths = head.map((_, column) => Math.max(3, ...cells.map((row) => (row[column] ?? "").length)))
  const pad = (text: string, column: number) =>
    column === 0 ? text.padEnd(widths[column]!) : text.padStart(widths[column]!)
  const line = (row: ReadonlyArray<string>) =>
    `| ${widths.map((_, column) => pad(row[column] ?? "", column)).join(" | ")} |`
  const rule = `| ${widths.map((width, column) => (column === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`)).join(" | ")} |`
  return [line(cells[0]!), rule, ...cells.slice(1).map(line)].join("\n")
}

/** One measure; the first row is the one that the others are compared with. */
export const ofMeasure = (measure: Measure): string => {
  const [first] = measure.rows
  return table(
    [`${measure.title}, ${measure.unit}`, "median", "least", "most", "spread", "times"],
    measure.rows.map(({ contender, samples }) => [
      contender,
      digits(Numbers.median(samples)),
      digits(samples.length === 0 ? Number.NaN : Math.min(...samples)),
      digits(samples.length === 0 ? Number.NaN : Math.max(...samples)),
      samples.length < 2 ? "-" : `${Math.round(Numbers.spread(samples) * 100)} %`,
      digits(Numbers.ratio(first?.samples ?? [], samples))
    ])
  )
}

export const ofGoals = (goals: ReadonlyArray<Goal>): string =>
  table(
    ["goal", "wanted", "found", "met"],
    goals.map((goal) => [goal.text, goal.goal, goal.found, goal.met ? "yes" : "no"])
  )

/** Puts `text` between a document's marks `<!-- name -->` and `<!-- /name -->`; undefined if it has not both, in order. */
export const between = (document: string, name: string, text: string): string | undefined => {
  const [open, close] = [`<!-- ${name} -->`, `<!-- /${name} -->`]
  const start = document.indexOf(open)
  const end = document.indexOf(close, start)
  return start < 0 || end < 0
    ? undefined
    : `${document.slice(0, start + open.length)}\n${text.trim()}\n${document.slice(end)}`
}
