/**
 * Computes visits in this process, by `analytics/reports/Visits`, and passes them to ClickHouse as rows of the statement. If
 * few rows have to be grouped into visits, ClickHouse takes longer to analyze the statement that groups them.
 *
 * @module
 */
import { type Array as Arr, Effect, Schema } from "effect"
import type { ClickHouseError } from "../../../platform/clickhouse/Errors.ts"
import { quoted } from "../../../platform/clickhouse/Literal.ts"
import { decodeRows } from "../../../platform/runtime/Rows.ts"
import * as AnalyticsRows from "../../AnalyticsRows.ts"
import * as AnalyticsExport from "../../clickhouse/AnalyticsExport.ts"
import type { PageView } from "../../PageView.ts"
import * as Fact from "../Fact.ts"
import type { ConversionRow, EventRow } from "../Row.ts"
import * as Visits from "../Visits.ts"
import { Parameters } from "./Parameters.ts"
import type { Reader } from "./Reader.ts"
import * as VisitSql from "./VisitSql.ts"

/** The days whose visits are not all stored; see `VisitDays.Plan`. */
interface Unstored {
  readonly open: ReadonlyArray<VisitSql.OpenDay>
  readonly raw: ReadonlyArray<VisitSql.Days>
}

/** The visits of a plan that are not stored. */
export interface FewVisits {
  /** Those of the raw parts. */
  readonly raw: ReadonlyArray<Visits.Visit>
  /** Those of the days that go on. */
  readonly open: ReadonlyArray<Visits.Visit>
  /** The session keys of `open`. Their stored visits are not current. */
  readonly keys: ReadonlyArray<string>
}

const Keys = Schema.Array(Schema.Struct({ key: Schema.String }))

const Conversions = Schema.Array(
  Schema.Struct({ sessionKey: Schema.String, name: Schema.String, visitStartedAt: Schema.Finite })
)

/** The session keys whose visits can differ from those that are stored of the days that go on. */
const changedKeys = (reader: Reader, hostedWebsiteId: string, { open }: Unstored) => {
  if (open.length === 0) return Effect.succeed([])
  const parameters = new Parameters()
  const site = parameters.uuid(hostedWebsiteId)
  const statement = open.map((day) => VisitSql.keysSince(parameters, site, day)).join(" UNION ALL ")
  return reader.read(`SELECT DISTINCT key FROM (${statement}) LIMIT ${reader.fewRows + 1}`, parameters).pipe(
    decodeRows(Keys),
    Effect.map((found) => found.map(({ key }) => key))
  )
}

/**
 * The visits of a plan that are not stored; null if too many rows would have to be read. They have conversions only `withLeads`.
 * A table is read by a statement of its own: ClickHouse takes twice as long to analyze one statement for all tables.
 */
export const read = Effect.fnUntraced(function* (
  reader: Reader,
  hostedWebsiteId: string,
  timeZone: string,
  plan: Unstored,
  withLeads: boolean
): Effect.fn.Return<FewVisits | null, ClickHouseError> {
  const keys = yield* changedKeys(reader, hostedWebsiteId, plan)
  if (keys.length > reader.fewRows) return null
  const days = keys.length === 0 ? [] : plan.open.map(({ day }): VisitSql.Days => [day])
  if (days.length + plan.raw.length === 0) return { raw: [], open: [], keys }
  const select = (columns: string, table: VisitSql.Source) => {
    const { key, time } = VisitSql.sources[table]
    const parameters = new Parameters()
    const within = (runs: ReadonlyArray<VisitSql.Days>) =>
      `(${runs.map((run) => `${time} >= ${parameters.time(run[0].start)} AND ${time} < ${parameters.time(VisitSql.endOf(run))}`).join(" OR ")})`
    const site = parameters.uuid(hostedWebsiteId)
    const parts = [
      ...(plan.raw.length === 0 ? [] : [within(plan.raw)]),
      ...(days.length === 0 ? [] : [`${within(days)} AND ${key} IN ${parameters.texts(keys)}`])
    ]
    const condition = `hosted_website_id = ${site} AND (${parts.join(" OR ")})`
    return reader.read(`SELECT ${columns} FROM ${table} WHERE ${condition} LIMIT ${reader.fewRows + 1}`, parameters)
  }
  const [viewRows, eventRows, conversions] = yield* Effect.all(
    [
      select(AnalyticsExport.viewColumns, "page_view"),
      select(AnalyticsExport.eventColumns, "event"),
      decodeRows(Conversions)(
        withLeads
          ? select(
              "session_key AS sessionKey, name, toUnixTimestamp64Milli(visit_started_at) AS visitStartedAt",
              "conversion"
            )
          : Effect.succeed([])
      )
    ],
    { concurrency: "unbounded" }
  )
  if ([viewRows, eventRows, conversions].some((rows) => rows.length > reader.fewRows)) return null
  const views: Array<PageView> = []
  const events: Array<EventRow> = []
  for (const row of viewRows) {
    const decoded = yield* AnalyticsRows.decodeView(row, hostedWebsiteId)
    if (decoded.type === "pageview") views.push(decoded.view)
  }
  for (const row of eventRows) {
    const decoded = yield* AnalyticsRows.decodeEvent(row, hostedWebsiteId)
    if (decoded.type === "event") events.push(decoded.event)
  }
  const isOpen = ({ startedAt }: Visits.Visit) =>
    plan.open.some(({ day }) => startedAt >= day.start && startedAt < day.end)
  const visits = Visits.make({ views, events, conversions, goals: [] }, timeZone)
  return { raw: visits.filter((visit) => !isOpen(visit)), open: visits.filter(isOpen), keys }
})

/** The rows of a visit, by the values of `VisitSql.columns` whose names begin with `fact_`. */
const factValues: Readonly<
  Record<
    string,
    {
      readonly view: (row: Visits.Visit["views"][number]) => unknown
      readonly event: (row: EventRow) => unknown
      readonly conversion: (row: ConversionRow, visit: Visits.Visit) => unknown
    }
  >
> = {
  fact_kinds: { view: () => 0, event: () => 1, conversion: () => 2 },
  fact_hashes: {
    view: ({ visitorHash }) => visitorHash,
    event: ({ visitorHash }) => visitorHash,
    conversion: (_, { visitorHash }) => visitorHash
  },
  fact_pages: { view: ({ path }) => path, event: ({ path }) => path, conversion: () => "" },
  fact_names: { view: () => "", event: ({ name }) => name, conversion: ({ name }) => name },
  fact_properties: {
    view: () => ({}),
    event: ({ properties }) =>
      Object.fromEntries(Object.entries(properties ?? {}).map(([name, value]) => [name, String(value)])),
    conversion: () => ({})
  },
  fact_amounts: {
    view: () => "0",
    event: ({ revenue }) => (revenue?.amount ?? 0).toFixed(3),
    conversion: () => "0"
  },
  fact_currencies: { view: () => "", event: ({ revenue }) => revenue?.currency ?? "", conversion: () => "" }
}

const visitValues: Readonly<Record<string, (visit: Visits.Visit) => unknown>> = {
  ...Fact.columns,
  started_at: ({ startedAt }) => startedAt,
  ended_at: ({ endedAt }) => endedAt,
  view_count: ({ views }) => views.length,
  event_count: ({ events }) => events.length,
  is_bounce: ({ isBounce }) => isBounce,
  seconds: ({ duration }) => duration,
  referrer_host: ({ referrerHost }) => referrerHost,
  referrer_path: ({ referrerPath }) => referrerPath,
  hashes: ({ events, views }) => [...new Set([...views, ...events].map(({ visitorHash }) => visitorHash))]
}

const valueOf = (name: string, visit: Visits.Visit): unknown => {
  const ofFact = factValues[name]
  if (ofFact === undefined) return visitValues[name]?.(visit) ?? ""
  return [
    ...visit.views.map(ofFact.view),
    ...visit.events.map(ofFact.event),
    ...visit.conversions.map((row) => ofFact.conversion(row, visit))
  ]
}

/** A statement that selects `columns` of at least one visit. */
export const statement = (
  parameters: Parameters,
  visits: Arr.NonEmptyReadonlyArray<Visits.Visit>,
  columns: typeof VisitSql.columns
): string => {
  const rows = visits.map((visit) =>
    JSON.stringify(Object.fromEntries(columns.map(([name]) => [name, valueOf(name, visit)])))
  )
  const structure = columns.map(([name, type]) => `${name} ${type}`).join(", ")
  return `SELECT ${columns.map(([name]) => name).join(", ")}
    FROM format(JSONEachRow, ${quoted(structure)}, ${parameters.text(rows.join(" "))})`
}
