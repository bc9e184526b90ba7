/**
 * Formats page views and events as newline-delimited JSON or CSV, with the same columns for both. Pure.
 *
 * Control and bidirectional characters are always escaped, since an export may be shown on a terminal.
 *
 * @module
 */
import { iso } from "../platform/text/Calendar.ts"
import * as Csv from "../platform/text/Csv.ts"
import * as TerminalText from "../platform/text/TerminalText.ts"
import type { Event } from "./Event.ts"
import type { PageView } from "./PageView.ts"

/** A stored page view without an `exclusion`, or an event. */
export type Row =
  | { readonly type: "pageview"; readonly view: PageView }
  | { readonly type: "event"; readonly event: Event }

type Value = string | number | boolean | null

/** The values of a row by column, in the columns' order. */
const cellsOf = (row: Row): Readonly<Record<string, Value>> => {
  const [common, view, event] =
    row.type === "pageview" ? [row.view, row.view, undefined] : [row.event, undefined, row.event]
  return {
    type: row.type,
    received_at: iso(common.receivedAt),
    name: event?.name ?? null,
    path: common.path,
    utm_source: view?.campaign.source ?? null,
    utm_medium: view?.campaign.medium ?? null,
    utm_campaign: view?.campaign.name ?? null,
    utm_term: view?.campaign.term ?? null,
    utm_content: view?.campaign.content ?? null,
    referrer_host: view?.referrerHost ?? null,
    referrer_path: view?.referrerPath ?? null,
    session_id: common.sessionId,
    visitor_hash: common.visitorHash,
    device_type: common.deviceType,
    screen_width: view?.screenWidth ?? null,
    browser: common.browser,
    os: common.os,
    country: common.country,
    revenue_amount: event?.revenue?.amount ?? null,
    revenue_currency: event?.revenue?.currency ?? null,
    interactive: event?.isInteractive ?? null
  }
}

const propertiesOf = (row: Row): Event["properties"] => (row.type === "event" ? row.event.properties : null)

/** The row as a JSON object on one line, without a trailing newline. */
export const json = (row: Row): string =>
  TerminalText.inertJson(JSON.stringify({ ...cellsOf(row), properties: propertiesOf(row) }))

/** The row as a line of newline-delimited JSON. */
export const ndjson = (row: Row): string => `${json(row)}\n`

const columns = Object.keys(
  cellsOf({
    type: "event",
    event: {
      ...{ hostedWebsiteId: "", receivedAt: 0, name: "", path: "", sessionId: null, visitorHash: "" },
      ...{ deviceType: null, browser: null, os: null, country: null, properties: null, revenue: null },
      isInteractive: true
    }
  })
)

export const csvHeader: string = Csv.record([...columns, "properties"].map(Csv.text))

/** The row as a CSV record. A null is an empty cell, and `properties` is JSON. */
export const csv = (row: Row): string => {
  const cells = cellsOf(row)
  const properties = propertiesOf(row)
  return Csv.record([
    ...columns.map((name) => {
      const value = cells[name] ?? null
      return typeof value === "number" ? Csv.number(value) : Csv.text(value === null ? null : String(value))
    }),
    properties === null ? Csv.text(null) : Csv.json(JSON.stringify(properties))
  ])
}
