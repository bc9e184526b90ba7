/**
 * Arbitrary page views, events, conversions and goals of a website, and queries that distinguish them. Clock changes, the end
 * of a month, visits across midnight, missing session ids and rows with equal times are likely.
 */
import { PgClient } from "@effect/sql-pg"
import { Effect, Schema } from "effect"
import {
  comparisons,
  type Dimension,
  type Filter,
  metrics,
  operators,
  type Query
} from "../../../src/analytics/reports/Query.ts"

const text = (...values: ReadonlyArray<string>) => Schema.NullOr(Schema.Literals(values))

/** Evenings before a clock change in Berlin, New York or Lord Howe, before the end of a month, and some others. */
const evenings = ["2026-10-03", "2026-10-24", "2026-10-25", "2026-10-31", "2026-11-01", "2026-11-02"].map((date) =>
  Date.parse(`${date}T21:00Z`)
)

/** A time in steps of five minutes, up to five hours after the start of an evening. */
const Time = Schema.Struct({
  evening: Schema.Literals(evenings),
  minutes: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 60 }))
})

const visitor = { session: text("a", "b", "c"), visitor: Schema.Literals([1, 2, 3]) }

const client = {
  device: text("desktop", "mobile", ""),
  browser: text("Firefox", "Chrome"),
  os: text("Linux"),
  country: text("DE", "FR")
}

export const View = Schema.Struct({
  ...Time.fields,
  ...visitor,
  ...client,
  path: Schema.Literals(["/", "/pricing", "/thanks/1", "/thanks%", "/\u{1F600}"]),
  source: text("google", "Newsletter", ""),
  medium: text("cpc", "email"),
  campaign: text("spring", "it's"),
  host: text("www.google.com", "news.example"),
  hostPath: text("/", "/a")
})

export const Event = Schema.Struct({
  ...Time.fields,
  ...visitor,
  ...client,
  path: Schema.Literals(["/", "/pricing"]),
  name: Schema.Literals(["Signup", "Scroll", "pageview"]),
  plan: Schema.NullOr(Schema.Union([Schema.Literals(["pro", "", 3]), Schema.Boolean])),
  revenue: text("EUR", "USD"),
  isInteractive: Schema.Boolean
})

export const Conversion = Schema.Struct({
  ...Time.fields,
  session: Schema.Literals(["a", "b", "c"]),
  name: Schema.Literals(["Form submitted", "Chat started"])
})

export const goals = [
  { name: "Signed up", kind: "event", value: "Signup" },
  { name: "Thanked", kind: "page", value: "/thanks*" },
  { name: "Percent", kind: "page", value: "/thanks%" }
] as const

export const Rows = Schema.Struct({
  views: Schema.Array(View).check(Schema.isMaxLength(24)),
  events: Schema.Array(Event).check(Schema.isMaxLength(10)),
  conversions: Schema.Array(Conversion).check(Schema.isMaxLength(4))
})

const hash = (number: number): Uint8Array => Buffer.alloc(16, number)

const timeOf = ({ evening, minutes }: typeof Time.Type) => new Date(evening + minutes * 5 * 60_000)

/** Inserts rows by SQL, without the service. */
export const insert = Effect.fnUntraced(function* (hostedWebsiteId: string, rows: typeof Rows.Type) {
  const sql = yield* PgClient.PgClient
  for (const row of rows.views) {
    yield* sql`INSERT INTO page_view (hosted_website_id, received_at, path, utm_source, utm_medium, utm_campaign,
        referrer_host, referrer_path, device_type, session_id, browser, os, country, visitor_hash)
      VALUES (${hostedWebsiteId}, ${timeOf(row)}, ${row.path}, ${row.source}, ${row.medium}, ${row.campaign}, ${row.host},
        ${row.hostPath}, ${row.device}, ${row.session}, ${row.browser}, ${row.os}, ${row.country}, ${hash(row.visitor)})`
  }
  for (const row of rows.events) {
    yield* sql`INSERT INTO event (hosted_website_id, received_at, name, path, session_id, visitor_hash, device_type, browser,
        os, country, properties, revenue_amount, revenue_currency, is_interactive)
      VALUES (${hostedWebsiteId}, ${timeOf(row)}, ${row.name}, ${row.path}, ${row.session}, ${hash(row.visitor)},
        ${row.device}, ${row.browser}, ${row.os}, ${row.country},
        ${row.plan === null ? null : JSON.stringify({ plan: row.plan })}::json,
        ${row.revenue === null ? null : "0.10"}::numeric, ${row.revenue}, ${row.isInteractive})`
  }
  for (const row of rows.conversions) {
    yield* sql`INSERT INTO conversion (hosted_website_id, visit_started_at, session_key, name)
      VALUES (${hostedWebsiteId}, ${timeOf(row)}, ${row.session}, ${row.name})`
  }
  // A page view of a bot, which no report may count.
  yield* sql`INSERT INTO bot_view (hosted_website_id, received_at, path, visitor_hash)
    VALUES (${hostedWebsiteId}, ${new Date(evenings[0] ?? 0)}, '/', ${hash(9)})`
})

const filterDimensions = [
  "event:page",
  "event:name",
  "event:goal",
  "event:props:plan",
  "visit:source",
  "visit:channel",
  "visit:referrer",
  "visit:entry_page",
  "visit:device",
  "visit:utm_campaign",
  "visit:country"
] as const

const Dimensions = Schema.Literals(
  [
    [],
    ["event:page"],
    ["event:name"],
    ["event:goal"],
    ["event:props:plan"],
    ["visit:source"],
    ["visit:channel"],
    ["visit:referrer"],
    ["visit:exit_page"],
    ["visit:utm_medium"],
    ["time:hour"],
    ["time:day"],
    ["time:week"],
    ["time:month"],
    ["time:day", "event:page"],
    ["visit:country", "time:month"],
    ["event:goal", "visit:utm_campaign"],
    ["time:hour", "visit:browser"],
    ["event:page", "event:name", "visit:os"]
  ].map((dimensions) => dimensions.join(" "))
)

const Leaf = Schema.Struct({
  operator: Schema.Literals(operators),
  dimension: Schema.Literals(filterDimensions),
  values: Schema.Literals([
    "/pricing",
    "Google",
    "Signup",
    "Signed up",
    "Form submitted",
    "pro",
    "(not set)",
    "Direct",
    "o",
    "%"
  ])
})

export const QueryShape = Schema.Struct({
  dimensions: Dimensions,
  filters: Schema.Array(Leaf).check(Schema.isMaxLength(3)),
  join: Schema.Literals(["all", "or", "not"]),
  range: Schema.Literals([
    "2026-10-25 2026-10-25",
    "2026-10-01 2026-10-31",
    "2026-10-24 2026-11-02",
    "2026-09-01 2026-11-20",
    "all"
  ]),
  comparison: Schema.NullOr(Schema.Literals(comparisons)),
  order: Schema.Literals(["visitors", "bounce_rate", "conversions", "total_revenue"]),
  /** Whether the last day is not over. */
  isUnfinished: Schema.Boolean,
  untilNow: Schema.Boolean
})

/** The query that a shape stands for. */
export const toQuery = (shape: typeof QueryShape.Type, siteId: string, timeZone: string): Query => {
  const dimensions = shape.dimensions.split(" ").filter((name) => name !== "") as ReadonlyArray<Dimension>
  const leaves = shape.filters.map(
    ({ dimension, operator, values }): Filter => ({ operator, dimension, values: [values, "/"] })
  )
  const joined: ReadonlyArray<Filter> =
    leaves.length === 0 || shape.join === "all"
      ? leaves
      : shape.join === "or"
        ? [{ operator: "or", filters: leaves }]
        : leaves.map((filter) => ({ operator: "not", filter }))
  const [first, last] = shape.range.split(" ")
  return {
    siteId,
    metrics,
    dimensions,
    filters: joined,
    orderBy: [{ by: shape.order, direction: "desc" }],
    comparison: shape.comparison,
    includeTotalRows: true,
    includeTimeLabels: dimensions.some((dimension) => dimension.startsWith("time:")),
    limit: 1000,
    offset: 0,
    range: last === undefined ? { first: null, last: "2026-11-20" } : { first: first ?? "", last },
    now: shape.isUnfinished ? Date.parse(`${last ?? "2026-11-20"}T14:37Z`) : null,
    untilNow: shape.untilNow,
    timeZone
  }
}

/** The query for the leads in the same range, grouped by the same time dimensions. */
export const toLeadsQuery = (shape: typeof QueryShape.Type, siteId: string, timeZone: string): Query => {
  const query = toQuery(shape, siteId, timeZone)
  return {
    ...query,
    metrics: ["conversions"],
    dimensions: query.dimensions.filter((dimension) => dimension.startsWith("time:")),
    filters: [{ operator: "is", dimension: "event:goal", values: ["Form submitted", "Chat started"] }],
    orderBy: [{ by: "conversions", direction: "desc" }]
  }
}
