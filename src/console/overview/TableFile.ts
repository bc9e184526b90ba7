/**
 * A report as CSV (RFC 4180), with no value that a spreadsheet takes for a formula. Pure.
 *
 * @module
 */
import type { Dimension, Metric } from "../Address.ts"
import * as Format from "../Format.ts"
import type { Dimensions, Report } from "./Queries.ts"

/** The beginning of a formula, also after what a spreadsheet may take for a separator. */
const formula = /(^|[,;|])([\s"]*)([=+\-@＝＋－＠])/gu

/** Characters that are not shown, or that change the direction of what follows. */
const control = /[\p{Cc}\p{Cf}]/gu

const text = (value: string): string =>
  `"${value.replace(control, "\uFFFD").replace(formula, "$1$2'$3").replaceAll('"', '""')}"`

/** The name of a column of names. A property can have any name. */
const heading = (dimension: Dimension): string => (dimension.startsWith("event:props:") ? text(dimension) : dimension)

/** The value of a metric. An amount loses its currency. */
const cell = (value: Format.MetricValue | undefined): string =>
  typeof value === "object" ? String(value?.value ?? "") : String(value ?? "")

/** The name of a file with these facts, without what a file system may refuse. */
export const nameOf = (facts: ReadonlyArray<string>): string =>
  `${facts
    .map((fact) => fact.match(/[\p{L}\p{M}\p{N}]+/gu)?.join("-"))
    .filter((part) => part !== undefined)
    .join("-")}.csv`

/** Returns the CSV, with the column names of the API and the values as the page shows them. */
export const of = (dimensions: Dimensions, metrics: ReadonlyArray<Metric>, { results }: Report): string =>
  [
    [...dimensions.map(heading), ...metrics],
    ...results.map(({ dimensions: names, metrics: values }) => [
      ...dimensions.map((each, place) => text(Format.value(each, names[place] ?? ""))),
      ...metrics.map((_, place) => cell(values[place]))
    ])
  ]
    .map((cells) => `${cells.join(",")}\r\n`)
    .join("")
