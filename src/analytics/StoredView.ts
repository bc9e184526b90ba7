/**
 * The columns of a stored page view, and which of them events have too, once for both stores, copies between them, exports and
 * reports. Pure.
 *
 * @module
 */
import { Schema } from "effect"
import type { PageView, Received } from "./PageView.ts"

/** The columns' values of a page view. */
export type View = Omit<PageView, "hostedWebsiteId" | "exclusion">

/** The columns' values that page views and events have in common. */
export type Common = Omit<Received, "hostedWebsiteId">

/** How a column is stored, with the value of a row. A hash is stored in bytes, and given in hexadecimal. */
type Value<Row> =
  | { readonly type: "text" | "hash"; readonly of: (row: Row) => string }
  | { readonly type: "optional-text"; readonly of: (row: Row) => string | null }
  | { readonly type: "optional-integer"; readonly of: (row: Row) => number | null }

export type Column<Row> = { readonly name: string } & Value<Row>

type Definition = ({ readonly isOfEvents: true } & Value<Common>) | ({ readonly isOfEvents: false } & Value<View>)

const common = (of: (row: Common) => string | null) => ({ isOfEvents: true, type: "optional-text", of }) as const
const optional = (of: (view: View) => string | null) => ({ isOfEvents: false, type: "optional-text", of }) as const

/** All but the website and the time, by their names, in the order of an export. */
export const byName = {
  path: { isOfEvents: true, type: "text", of: (row) => row.path },
  utm_source: optional((view) => view.campaign.source),
  utm_medium: optional((view) => view.campaign.medium),
  utm_campaign: optional((view) => view.campaign.name),
  utm_term: optional((view) => view.campaign.term),
  utm_content: optional((view) => view.campaign.content),
  referrer_host: optional((view) => view.referrerHost),
  referrer_path: optional((view) => view.referrerPath),
  session_id: common((row) => row.sessionId),
  visitor_hash: { isOfEvents: true, type: "hash", of: (row) => row.visitorHash },
  device_type: common((row) => row.deviceType),
  screen_width: { isOfEvents: false, type: "optional-integer", of: (view) => view.screenWidth },
  browser: common((row) => row.browser),
  os: common((row) => row.os),
  country: common((row) => row.country)
} as const satisfies Readonly<Record<string, Definition>>

const all = Object.entries(byName).map(([name, column]) => ({ name, ...column }))

/** The columns of page views. */
export const columns: ReadonlyArray<Column<View>> = all

/** Those that events have too. */
export const commonColumns: ReadonlyArray<Column<Common>> = all.filter((column) => column.isOfEvents)

const Text = Schema.NullOr(Schema.String)

/** The columns that page views and events have in common, and the time in milliseconds since 1970. */
export const commonFields = {
  at: Schema.Finite,
  path: Schema.String,
  session_id: Text,
  /** In hexadecimal. */
  visitor_hash: Schema.String,
  device_type: Text,
  browser: Text,
  os: Text,
  country: Text
}

const CommonRow = Schema.Struct(commonFields)

/** A row of a page view. */
export const Row = Schema.Struct({
  ...commonFields,
  utm_source: Text,
  utm_medium: Text,
  utm_campaign: Text,
  utm_term: Text,
  utm_content: Text,
  referrer_host: Text,
  referrer_path: Text,
  screen_width: Schema.NullOr(Schema.Int)
})

/** What the row of a page view or an event says of both. */
export const commonOf = (row: typeof CommonRow.Type, hostedWebsiteId: string): Received => ({
  hostedWebsiteId,
  receivedAt: row.at,
  path: row.path,
  sessionId: row.session_id,
  visitorHash: row.visitor_hash,
  deviceType: row.device_type,
  browser: row.browser,
  os: row.os,
  country: row.country
})

type Required = "hostedWebsiteId" | "receivedAt" | "path" | "visitorHash"

/** What is absent of a page view or an event of which nothing more is known. Examples, sample data and tests begin with it. */
export const withoutFacts = {
  sessionId: null,
  deviceType: null,
  browser: null,
  os: null,
  country: null
} as const satisfies Omit<Received, Required>

/** What is absent of a page view that counts, and of which nothing more is known. */
export const viewWithoutFacts = {
  ...withoutFacts,
  campaign: { source: null, medium: null, name: null, term: null, content: null },
  referrerHost: null,
  referrerPath: null,
  screenWidth: null,
  exclusion: null
} as const satisfies Omit<PageView, Required>

/** The page view of a row. */
export const fromRow = (row: typeof Row.Type, hostedWebsiteId: string): PageView => ({
  ...commonOf(row, hostedWebsiteId),
  campaign: {
    source: row.utm_source,
    medium: row.utm_medium,
    name: row.utm_campaign,
    term: row.utm_term,
    content: row.utm_content
  },
  referrerHost: row.referrer_host,
  referrerPath: row.referrer_path,
  screenWidth: row.screen_width,
  exclusion: null
})
