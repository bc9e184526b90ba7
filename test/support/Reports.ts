/** Arbitrary rows of a website and arbitrary queries for its reports. */
import { Schema } from "effect"
import * as DateRange from "../../src/analytics/reports/DateRange.ts"
import {
  comparisons,
  type Dimension,
  eventDimensions,
  type Filter,
  type FilterDimension,
  isTimeDimension,
  type Metric,
  metrics,
  operators,
  periods,
  type Query,
  type Request,
  timeDimensions,
  visitDimensions
} from "../../src/analytics/reports/Query.ts"
import type { GoalRow, SiteRows } from "../../src/analytics/reports/Visits.ts"
import { viewWithoutFacts, withoutFacts } from "../../src/analytics/StoredView.ts"

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))
const listOf = <A>(item: Schema.Codec<A>, max: number) => Schema.Array(item).check(Schema.isMaxLength(max))

/** The day after the clocks of Europe were set back. */
export const now = Date.UTC(2026, 9, 26, 12)

export const timeZones = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe"] as const

const nullOr = <const A extends ReadonlyArray<string>>(...values: A) => Schema.NullOr(Schema.Literals(values))

const received = {
  /** Milliseconds before `now`. Often a multiple of ten minutes, so that pauses of exactly 30 minutes occur. */
  age: Schema.Union([
    Schema.Literals(
      [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 15, 20, 72, 73, 75, 144, 150, 220, 221].map((tens) => tens * 600_000)
    ),
    between(0, 3 * 24 * 3_600_000)
  ]),
  path: Schema.Literals(["/", "/pricing", "/thanks/1", "/é", "/\u{1F600}", "/\uFFFD", ""]),
  sessionId: nullOr("s", "t"),
  visitor: between(0, 2),
  deviceType: nullOr("desktop", "mobile"),
  browser: nullOr("Firefox", ""),
  os: nullOr("Linux"),
  country: nullOr("DE", "FR")
}

const View = Schema.Struct({
  ...received,
  source: nullOr("google", "GOOGLE", "newsletter", ""),
  medium: nullOr("cpc", "email"),
  campaign: nullOr("spring", "Spring"),
  term: nullOr("x"),
  content: nullOr("y"),
  referrerHost: nullOr("www.google.com", "news.example"),
  referrerPath: nullOr("/", "/a")
})

/** A row of the first visitor, at `now`, of which nothing else is known. */
export const plainRow = { ...withoutFacts, age: 0, path: "/", visitor: 0 } as const

/** Like `plainRow`, for a page view without a campaign and a referrer. */
export const plainView: typeof View.Type = {
  ...viewWithoutFacts,
  ...plainRow,
  ...{ source: null, medium: null, campaign: null, term: null, content: null }
}

const Event = Schema.Struct({
  ...received,
  name: Schema.Literals(["Signup", "Scroll", "Buy"]),
  plan: Schema.NullOr(Schema.Literals(["pro", "", 3, 0.5, true])),
  revenue: nullOr("EUR", "USD"),
  cents: between(1, 500),
  isInteractive: Schema.Boolean
})

/** Like `plainRow`, for an interactive event. */
export const plainEvent: typeof Event.Type = {
  ...plainRow,
  ...{ name: "Signup", plan: null, revenue: null, cents: 1, isInteractive: true }
}

const Conversion = Schema.Struct({
  age: received.age,
  key: Schema.Literals(["s", "t", "00".repeat(16)]),
  name: Schema.Literals(["Form submitted", "Chat started"])
})

export const Rows = Schema.Struct({
  views: listOf(View, 25),
  events: listOf(Event, 8),
  conversions: listOf(Conversion, 4),
  goalCount: Schema.Literals([0, 1, 2, 3])
})

const goals: ReadonlyArray<GoalRow> = [
  { name: "Signed up", kind: "event", value: "Signup" },
  { name: "Thanked", kind: "page", value: "/thanks/*" },
  { name: "Any page", kind: "page", value: "*" }
]

export const rowsOf = (shape: typeof Rows.Type): SiteRows => ({
  views: shape.views.map(({ age, campaign, content, medium, source, term, visitor, ...view }) => ({
    ...viewWithoutFacts,
    ...view,
    receivedAt: now - age,
    visitorHash: `0${visitor}`.repeat(16),
    campaign: { source, medium, name: campaign, term, content }
  })),
  events: shape.events.map(({ age, cents, plan, revenue, visitor, ...event }) => ({
    ...withoutFacts,
    ...event,
    receivedAt: now - age,
    visitorHash: `0${visitor}`.repeat(16),
    properties: plan === null ? null : { plan },
    revenue: revenue === null ? null : { currency: revenue, amount: cents / 100 }
  })),
  conversions: shape.conversions.map(({ age, key, name }) => ({ visitStartedAt: now - age, sessionKey: key, name })),
  goals: goals.slice(0, shape.goalCount)
})

const filterDimensions: ReadonlyArray<FilterDimension> = [...eventDimensions, ...visitDimensions, "event:props:plan"]

const ConditionShape = Schema.Struct({
  operator: Schema.Literals(operators),
  dimension: Schema.Literals(filterDimensions),
  values: Schema.Array(
    Schema.Literals([
      "/",
      "/pricing",
      "pro",
      "Signup",
      "Signed up",
      "Google",
      "Direct / None",
      "(not set)",
      "e",
      "DE",
      ""
    ])
  ).check(Schema.isMinLength(1), Schema.isMaxLength(3))
})

/** A condition, alone or negated, or two conditions, joined by `and`, by `or`, or by a negated `or`. */
export const FilterShape = Schema.Struct({
  form: Schema.Literals(["one", "not", "and", "or", "not-or"]),
  left: ConditionShape,
  right: ConditionShape
})

export const filterOf = ({ form, left, right }: typeof FilterShape.Type): Filter => {
  switch (form) {
    case "one":
      return left
    case "not":
      return { operator: "not", filter: left }
    case "not-or":
      return { operator: "not", filter: { operator: "or", filters: [left, right] } }
    default:
      return { operator: form, filters: [left, right] }
  }
}

export const RequestShape = Schema.Struct({
  metrics: Schema.Array(Schema.Literals(metrics)).check(Schema.isMinLength(1), Schema.isMaxLength(6)),
  dimensions: listOf(Schema.Literals([...filterDimensions, ...timeDimensions]), 3),
  filters: listOf(FilterShape, 2),
  dateRange: Schema.Union([Schema.Literals(periods), Schema.Tuple([between(20, 28), between(20, 28)])]),
  order: listOf(Schema.Struct({ column: between(0, 8), direction: Schema.Literals(["asc", "desc"]) }), 3),
  comparison: Schema.NullOr(Schema.Literals(comparisons)),
  limit: Schema.Literals([1, 3, 10_000]),
  offset: Schema.Literals([0, 0, 1])
})

const unique = <A>(values: ReadonlyArray<A>): ReadonlyArray<A> => [...new Set(values)]

export const siteId = "3f0c2c1e-9c0b-4c57-8d55-6b6d0f6f7a10"

/** A request as `QueryBody.decode` decodes it. */
export const requestOf = (shape: typeof RequestShape.Type): Request => {
  const requested = unique(shape.metrics)
  const all: ReadonlyArray<Dimension> = unique(shape.dimensions)
  const time = all.find(isTimeDimension)
  const dimensions = all.filter((dimension) => !isTimeDimension(dimension) || dimension === time)
  const columns: ReadonlyArray<Metric | Dimension> = [...requested, ...dimensions]
  const byColumn = new Map(
    shape.order.flatMap(({ column, direction }) => {
      const by = columns[column % columns.length]
      return by === undefined ? [] : [[by, direction] as const]
    })
  )
  const orders = Array.from(byColumn, ([by, direction]) => ({ by, direction }))
  const date = (day: number) => `2026-10-${day}`
  return {
    siteId,
    metrics: requested,
    dateRange:
      typeof shape.dateRange === "string"
        ? shape.dateRange
        : { first: date(Math.min(...shape.dateRange)), last: date(Math.max(...shape.dateRange)) },
    dimensions,
    filters: shape.filters.map(filterOf),
    orderBy: orders.length > 0 ? orders : [{ by: requested[0] ?? "visitors", direction: "desc" }],
    comparison: shape.comparison,
    includeTotalRows: true,
    includeTimeLabels: time !== undefined,
    limit: shape.limit,
    offset: shape.offset
  }
}

export const TimeZone = Schema.Literals(timeZones)

export const queryOf = (shape: typeof RequestShape.Type, timeZone: string): Query =>
  DateRange.queryOf(requestOf(shape), { now, timeZone })
