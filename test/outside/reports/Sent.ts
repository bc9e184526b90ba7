/**
 * What is stored of the requests of `Traffic.ts`.
 *
 * @module
 */
import type { PgClient } from "@effect/sql-pg"
import { Effect } from "effect"
import type { Site } from "./Service.ts"
import { origin, type Request } from "./Traffic.ts"

/** A page view or an event, with the columns of an export. */
export type StoredRow = Readonly<Record<string, unknown>>

/** The columns that are compared. */
const columns = [
  "site",
  "received_at",
  "type",
  "name",
  "path",
  "utm_source",
  "utm_medium",
  "utm_campaign",
  "utm_term",
  "utm_content",
  "referrer_host",
  "referrer_path",
  "session_id",
  "device_type",
  "browser",
  "os",
  "country",
  "revenue_amount",
  "revenue_currency",
  "interactive",
  "properties"
]

/** A value as text. The order of an object's members does not count, and an absent value is null. */
const textOf = (value: unknown): string =>
  typeof value === "object" && value !== null
    ? `{${Object.entries(value)
        .map(([name, member]) => `${JSON.stringify(name)}:${textOf(member)}`)
        .sort()
        .join()}}`
    : JSON.stringify(value ?? null)

/** What differs between rows, in any order, except for the visitor hashes, whose key is random. */
export const differences = (found: ReadonlyArray<StoredRow>, wanted: ReadonlyArray<StoredRow>) => {
  const text = (row: StoredRow) => columns.map((column) => textOf(row[column])).join()
  const left = found.map(text)
  const missing = wanted.map(text).filter((row) => {
    const index = left.indexOf(row)
    if (index !== -1) left.splice(index, 1)
    return index === -1
  })
  return { missing, unexpected: left }
}

const campaignColumns = ["utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content"]

/** The row of a page view or an event; none of a submission. */
export const rowsOf = (
  { action, at, visitor, website }: Request,
  sites: ReadonlyArray<Site>
): ReadonlyArray<StoredRow> => {
  const common = {
    site: sites[website]?.id,
    received_at: at,
    session_id: visitor.session,
    browser: visitor.client.browser,
    os: visitor.client.os,
    device_type: visitor.client.device,
    country: visitor.country === "XX" ? null : visitor.country
  }
  switch (action.type) {
    case "view": {
      const { pathname, searchParams } = new URL(action.path, origin)
      const referrer = action.referrer === undefined ? null : new URL(action.referrer)
      const isForeign = referrer !== null && referrer.origin !== origin
      return [
        {
          ...common,
          type: "pageview",
          path: pathname,
          ...Object.fromEntries(campaignColumns.map((column) => [column, searchParams.get(column)])),
          referrer_host: isForeign ? referrer.host : null,
          referrer_path: isForeign ? referrer.pathname : null
        }
      ]
    }
    case "event":
      return [
        {
          ...common,
          type: "event",
          name: action.name,
          path: action.path,
          properties: action.properties,
          revenue_amount: action.revenue?.amount,
          revenue_currency: action.revenue?.currency,
          interactive: action.interactive ?? true
        }
      ]
    case "form":
      return []
  }
}

/** What a store has, from `expected.row`. */
export const storedRows = (sql: PgClient.PgClient): Effect.Effect<ReadonlyArray<StoredRow>> =>
  Effect.orDie(sql`
    SELECT site, (extract(epoch FROM at) * 1000)::float8 AS received_at,
      CASE kind WHEN 'view' THEN 'pageview' ELSE kind END AS type, CASE kind WHEN 'event' THEN name END AS name, page AS path,
      utm_source, utm_medium, utm_campaign, utm_term, utm_content, referrer_host, referrer_path, session AS session_id,
      device AS device_type, browser, os, country, amount::float8 AS revenue_amount, currency AS revenue_currency, interactive, properties
    FROM expected.row JOIN expected.website USING (hosted)`)

/**
 * Identifies the visitors that the service can tell apart: a visitor is the same for one day of the website, at one address (of
 * IPv6, the first 64 bits) with one browser.
 */
export const visitorOf = ({ at, visitor, website }: Request, sites: ReadonlyArray<Site>): string => {
  const date = new Intl.DateTimeFormat("sv", { timeZone: sites[website]?.timeZone }).format(at)
  return [website, date, visitor.address.split("::")[0], visitor.client.userAgent].join(" ")
}
