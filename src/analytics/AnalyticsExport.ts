/**
 * The formats of an export of page views and events. The files of this name below `postgres` and `clickhouse` read the rows.
 *
 * @module
 */
import { iso } from "../platform/text/Calendar.ts"
import * as Csv from "../platform/text/Csv.ts"
import * as TerminalText from "../platform/text/TerminalText.ts"
import type { Event } from "./Event.ts"
import type { PageView } from "./PageView.ts"
import * as StoredView from "./StoredView.ts"

/** A stored page view without an `exclusion`, or an event. */
export type Row =
  | { readonly type: "pageview"; readonly view: PageView }
  | { readonly type: "event"; readonly event: Event }

type Value = string | number | boolean | null

/** The columns besides the properties of an event. */
const columns = [
  ...["type", "received_at", "name"],
  ...StoredView.columns.map(({ name }) => name),
  ...["revenue_amount", "revenue_currency", "interactive"]
]

const valuesOf = <Row>(columns: ReadonlyArray<StoredView.Column<Row>>, row: Row): Readonly<Record<string, Value>> =>
  Object.fromEntries(columns.map(({ name, of }) => [name, of(row)]))

const ofView = (view: PageView): Readonly<Record<string, Value>> => ({
  received_at: iso(view.receivedAt),
  ...valuesOf(StoredView.columns, view)
})

const ofEvent = (event: Event): Readonly<Record<string, Value>> => ({
  received_at: iso(event.receivedAt),
  name: event.name,
  ...valuesOf(StoredView.commonColumns, event),
  revenue_amount: event.revenue?.amount ?? null,
  revenue_currency: event.revenue?.currency ?? null,
  interactive: event.isInteractive
})

/** The values of a row, in the columns' order. */
const cellsOf = (row: Row): ReadonlyArray<readonly [column: string, value: Value]> => {
  const values: Readonly<Record<string, Value>> = {
    type: row.type,
    ...(row.type === "pageview" ? ofView(row.view) : ofEvent(row.event))
  }
  return columns.map((name) => [name, values[name] ?? null] as const)
}

const propertiesOf = (row: Row): Event["properties"] => (row.type === "event" ? row.event.properties : null)

/** The row as a JSON object on one line, without a trailing newline. */
export const json = (row: Row): string =>
  TerminalText.inertJson(JSON.stringify({ ...Object.fromEntries(cellsOf(row)), properties: propertiesOf(row) }))

/** The row as a line of newline-delimited JSON. */
export const ndjson = (row: Row): string => `${json(row)}\n`

export const csvHeader: string = Csv.record([...columns, "properties"].map(Csv.text))

/** The row as a CSV record. A null is an empty cell, and `properties` is JSON. */
export const csv = (row: Row): string => {
  const properties = propertiesOf(row)
  return Csv.record([
    ...cellsOf(row).map(([, value]) =>
      typeof value === "number" ? Csv.number(value) : Csv.text(value === null ? null : String(value))
    ),
    properties === null ? Csv.text(null) : Csv.json(JSON.stringify(properties))
  ])
}
