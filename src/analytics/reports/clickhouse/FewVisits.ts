/**
 * Computes visits in this process, by `analytics/reports/Visits`, and passes those of days with stored visits to ClickHouse. If
 * few rows have to be grouped into visits, ClickHouse takes longer to analyze the statement that groups them.
 *
 * @module
 */
import { type Array as Arr, Effect, Schema } from "effect"
import { quoted } from "../../../platform/clickhouse/ClickHouse.ts"
import type { ClickHouseError } from "../../../platform/clickhouse/Errors.ts"
import { decodeRows } from "../../../platform/runtime/Rows.ts"
import * as AnalyticsRows from "../../AnalyticsRows.ts"
import * as AnalyticsExport from "../../clickhouse/AnalyticsExport.ts"
import type { PageView } from "../../PageView.ts"
import * as Dimensions from "../Dimensions.ts"
import * as Fact from "../Fact.ts"
import type { ConversionRow, EventRow } from "../Visits.ts"
import * as Visits from "../Visits.ts"
import { Parameters } from "./Parameters.ts"
import type { ComputedVisits, Reader } from "./Reader.ts"
import * as VisitSql from "./VisitSql.ts"

/** The days whose visits are not all stored; see `VisitDays.Plan`. */
interface Unstored {
  readonly open: ReadonlyArray<VisitSql.OpenDay>
  readonly raw: ReadonlyArray<VisitSql.Days>
}

/** The ids of new rows. A conversion has no visitor hash, and its session key as the session id. */
const Keys = Schema.Array(Schema.Struct({ session: Schema.NullOr(Schema.String), hash: Schema.NullOr(Schema.String) }))

/** The session key of a row. */
const keyOf = ({ hash, session }: (typeof Keys.Type)[number]): string => session ?? hash?.replaceAll("-", "") ?? ""

const Conversions = Schema.Array(
  Schema.Struct({ sessionKey: Schema.String, name: Schema.String, visitStartedAt: Schema.Finite })
)

/** A visitor hash as ClickHouse writes it. */
const dashed = (hash: string): string => hash.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5")

/** The ids of each new row of the days that go on. */
const changedKeys = (reader: Reader, hostedWebsiteId: string, { open }: Unstored) => {
  if (open.length === 0) return Effect.succeed([])
  const parameters = new Parameters()
  const site = parameters.uuid(hostedWebsiteId)
  // Limits each part: a subquery that limits them together takes the server longer.
  const parts = open
    .flatMap((day) => VisitSql.rowsSince(parameters, site, day))
    .map(({ from, table }) => {
      const ids =
        table === "conversion"
          ? "session_key AS session, CAST(NULL, 'Nullable(UUID)') AS hash"
          : "session_id AS session, visitor_hash AS hash"
      return `SELECT ${ids} ${from} LIMIT ${reader.fewRows + 1}`
    })
  return reader.read(parts.join(" UNION ALL "), parameters).pipe(decodeRows(Keys))
}

/** A table is read by a statement of its own: ClickHouse takes twice as long to analyze one statement for all tables. */
const compute = Effect.fnUntraced(function* (
  reader: Reader,
  hostedWebsiteId: string,
  timeZone: string,
  plan: Unstored,
  withLeads: boolean,
  changed: (typeof Keys)["Type"]
): Effect.fn.Return<ComputedVisits | null, ClickHouseError> {
  const keys = new Set(changed.map(keyOf))
  const hashes = new Set(changed.flatMap(({ hash }) => hash ?? []))
  const areHashes = changed.every(({ session }) => session === null)
  const days = keys.size === 0 ? [] : plan.open.map(({ day }): VisitSql.Days => [day])
  if (days.length + plan.raw.length === 0) {
    return { raw: [], open: [], keys: [...keys], replaced: [], areSeparate: true }
  }
  /** Selects the rows of the keys, and those of other keys with the same visitor hashes. */
  const isChanged = (parameters: Parameters, table: VisitSql.Source) => {
    const { key } = VisitSql.sources[table]
    if (table === "conversion") return `${key} IN ${parameters.texts([...keys])}`
    const hasHash = `visitor_hash IN ${parameters.uuids([...hashes])}`
    return areHashes ? hasHash : `(${key} IN ${parameters.texts([...keys])} OR ${hasHash})`
  }
  const select = (columns: string, table: VisitSql.Source) => {
    const { time } = VisitSql.sources[table]
    const parameters = new Parameters()
    const within = (runs: ReadonlyArray<VisitSql.Days>) =>
      `(${runs.map((run) => `${time} >= ${parameters.time(run[0].start)} AND ${time} < ${parameters.time(VisitSql.endOf(run))}`).join(" OR ")})`
    const site = parameters.uuid(hostedWebsiteId)
    const parts = [
      ...(plan.raw.length === 0 ? [] : [within(plan.raw)]),
      ...(days.length === 0 ? [] : [`${within(days)} AND ${isChanged(parameters, table)}`])
    ]
    const condition = `hosted_website_id = ${site} AND (${parts.join(" OR ")})`
    // In a subquery, because ClickHouse reads `visitor_hash` in a condition as the alias of the columns, which is a text.
    const rows = `SELECT * FROM ${table} WHERE ${condition} LIMIT ${reader.fewRows + 1}`
    return reader.read(`SELECT ${columns} FROM (${rows})`, parameters)
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
  const openDay = (at: number) => plan.open.find(({ day }) => at >= day.start && at < day.end)
  const make = (holds: (row: PageView | EventRow) => boolean) =>
    Visits.make({ views: views.filter(holds), events: events.filter(holds), conversions, goals: [] }, timeZone)
  const hasKey = (row: PageView | EventRow) => keys.has(Visits.sessionKey(row))
  const ofOpen = [...views, ...events].filter(({ receivedAt }) => openDay(receivedAt) !== undefined)
  return {
    raw: make(({ receivedAt }) => openDay(receivedAt) === undefined),
    open: make((row) => openDay(row.receivedAt) !== undefined && hasKey(row)),
    keys: [...keys],
    replaced: make((row) => row.receivedAt < (openDay(row.receivedAt)?.until ?? 0) && hasKey(row)),
    areSeparate: ofOpen.every((row) => hasKey(row) && hashes.has(dashed(row.visitorHash)))
  }
})

/** The maximum number of websites whose visits a reader keeps. */
const maxKept = 32

/**
 * The visits of a plan that are not stored; null if too many rows would have to be read. They have conversions only `withLeads`.
 *
 * The reader keeps the visits that it computed last for a website. They are current while the same visits are stored and as many
 * rows of the same visitors came since: rows are only added, and a report does not notice rows that were deleted or changed.
 */
export const read = Effect.fnUntraced(function* (
  reader: Reader,
  hostedWebsiteId: string,
  timeZone: string,
  plan: Unstored,
  withLeads: boolean
): Effect.fn.Return<ComputedVisits | null, ClickHouseError> {
  const changed = yield* changedKeys(reader, hostedWebsiteId, plan)
  if (changed.length > reader.fewRows) return null
  // Nothing tells how many rows of other days or conversions came.
  const isKept = plan.raw.length === 0 && !withLeads
  const state = JSON.stringify([
    timeZone,
    plan.open,
    changed.map(({ hash, session }) => `${hash} ${session ?? ""}`).toSorted()
  ])
  const known = isKept ? reader.kept.get(hostedWebsiteId) : undefined
  if (known?.state === state) return known.visits
  const visits = yield* compute(reader, hostedWebsiteId, timeZone, plan, withLeads, changed)
  if (isKept && visits !== null) {
    if (reader.kept.size >= maxKept) reader.kept.clear()
    reader.kept.set(hostedWebsiteId, { state, visits })
  }
  return visits
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
  ...Fact.computed,
  ...Object.fromEntries(
    Dimensions.landingColumns.map((column) => [column, (visit: Visits.Visit) => Fact.ofLanding(visit, column)])
  ),
  ...Object.fromEntries(
    Dimensions.clientColumns.map((column) => [column, (visit: Visits.Visit) => Fact.ofClient(visit, column)])
  ),
  started_at: ({ startedAt }) => startedAt,
  ended_at: ({ endedAt }) => endedAt,
  view_count: ({ views }) => views.length,
  event_count: ({ events }) => events.length,
  is_bounce: ({ isBounce }) => isBounce,
  seconds: ({ duration }) => duration,
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
