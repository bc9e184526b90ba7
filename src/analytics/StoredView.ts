/**
 * The columns of a stored page view, each once for both stores, copies between them and exports. Pure.
 *
 * @module
 */
import { Schema } from "effect"
import type { PageView } from "./PageView.ts"

/** A column with the value of a page view. A hash is stored in bytes, and given in hexadecimal. */
export type Column = { readonly name: string } & (
  | { readonly type: "text" | "hash"; readonly of: (view: PageView) => string }
  | { readonly type: "optional-text"; readonly of: (view: PageView) => string | null }
  | { readonly type: "optional-integer"; readonly of: (view: PageView) => number | null }
)

const optional = (name: string, of: (view: PageView) => string | null): Column => ({ name, type: "optional-text", of })

/** All but the website and the time, in the order of an export. */
export const columns: ReadonlyArray<Column> = [
  { name: "path", type: "text", of: (view) => view.path },
  optional("utm_source", (view) => view.campaign.source),
  optional("utm_medium", (view) => view.campaign.medium),
  optional("utm_campaign", (view) => view.campaign.name),
  optional("utm_term", (view) => view.campaign.term),
  optional("utm_content", (view) => view.campaign.content),
  optional("referrer_host", (view) => view.referrerHost),
  optional("referrer_path", (view) => view.referrerPath),
  optional("session_id", (view) => view.sessionId),
  { name: "visitor_hash", type: "hash", of: (view) => view.visitorHash },
  optional("device_type", (view) => view.deviceType),
  { name: "screen_width", type: "optional-integer", of: (view) => view.screenWidth },
  optional("browser", (view) => view.browser),
  optional("os", (view) => view.os),
  optional("country", (view) => view.country)
]

const Text = Schema.NullOr(Schema.String)

/** A row with these columns, and its time in milliseconds since 1970. */
export const Row = Schema.Struct({
  at: Schema.Finite,
  path: Schema.String,
  utm_source: Text,
  utm_medium: Text,
  utm_campaign: Text,
  utm_term: Text,
  utm_content: Text,
  referrer_host: Text,
  referrer_path: Text,
  session_id: Text,
  visitor_hash: Schema.String,
  device_type: Text,
  screen_width: Schema.NullOr(Schema.Int),
  browser: Text,
  os: Text,
  country: Text
})

/** The page view of a row. */
export const fromRow = (row: typeof Row.Type, hostedWebsiteId: string): PageView => ({
  hostedWebsiteId,
  receivedAt: row.at,
  path: row.path,
  campaign: {
    source: row.utm_source,
    medium: row.utm_medium,
    name: row.utm_campaign,
    term: row.utm_term,
    content: row.utm_content
  },
  referrerHost: row.referrer_host,
  referrerPath: row.referrer_path,
  sessionId: row.session_id,
  visitorHash: row.visitor_hash,
  deviceType: row.device_type,
  screenWidth: row.screen_width,
  browser: row.browser,
  os: row.os,
  country: row.country,
  exclusion: null
})
