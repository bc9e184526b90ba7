/**
 * The statements that sum the visits of days by every dimension that is rolled up, by the rules of
 * `analytics/reports/Evaluate`, for several websites at once. Pure: returns SQL text.
 *
 * `day` is the number of a day of a website, as in `VisitSql.dayOf`.
 *
 * The statement reads each visit and each row of a visit once, and groups both once for each dimension. A single visit
 * (`is_single`) has one visitor hash, which no other visit of the day has: these visitors are counted without `DISTINCT`.
 *
 * @module
 */

import * as Counts from "../Counts.ts"
import * as LocalTime from "../LocalTime.ts"
import { eventDimensions, visitDimensions } from "../Query.ts"
import type { GoalRow } from "../Visits.ts"
import * as DimensionSql from "./DimensionSql.ts"
import * as FactSql from "./FactSql.ts"
import * as GroupSql from "./GroupSql.ts"
import type { Parameters } from "./Parameters.ts"
import type { Interval } from "./RollupPlan.ts"
import * as VisitSql from "./VisitSql.ts"

/** Whether dimensions are of visits, or of their facts. */
export type Kind = "visits" | "facts"

const everyKind: ReadonlyArray<Kind> = ["visits", "facts"]

export interface Input {
  readonly hostedWebsiteIds: ReadonlyArray<string>
  readonly timeZone: string
  /** Successive days, oldest first. At least one. */
  readonly days: ReadonlyArray<LocalTime.Day>
  /** Null if neither goals nor leads are counted. */
  readonly goals: ReadonlyArray<GoalRow> | null
}

/** The columns of `v` with the values of the dimensions that are the same for all rows of a visit. */
const ofVisit = [
  { dimension: "all", column: "none" },
  { dimension: "time:hour", column: "hour" },
  ...visitDimensions.map((dimension, index) => ({ dimension, column: `d${index}` }))
] as const

const entryPage = `d${visitDimensions.indexOf("visit:entry_page")}`

/** The rows of `fact` that a dimension counts, and the column with its value. */
const ofFact = {
  "event:page": { column: "page", from: "fact WHERE kind < 2" },
  "event:name": { column: "name", from: "fact WHERE kind < 2" },
  "event:goal": { column: "goal", from: "fact CROSS JOIN LATERAL unnest(goals) AS goal WHERE true" }
} as const

/** Some counts of each day and value of a dimension. */
const part = (dimension: string, value: string, given: GroupSql.Given, from: string): string =>
  GroupSql.partial(`${dimension} AS dimension, day, ${value} AS value`, given, from)

const entries = { entries: "count(*)", bounces: "sum(is_bounce::int)", duration: "sum(duration)" }

const visitors = { visitors: "count(*)" }

const visitorsOfSingles = { visitors: "count(*) FILTER (WHERE is_single)" }

/** The counts of visits, and the distinct visitors of visits that are not single. */
const visitParts: ReadonlyArray<string> = [
  ...ofVisit.map(({ column, dimension }) =>
    part(
      `'${dimension}'`,
      `${column}::text`,
      {
        ...entries,
        ...visitorsOfSingles,
        visits: "count(*)",
        pageviews: "sum(pageviews)",
        events: "sum(pageviews + events)",
        visit_pageviews: "sum(pageviews)"
      },
      `FROM v GROUP BY day, ${column}`
    )
  ),
  ...ofVisit.map(({ column, dimension }) =>
    part(
      `'${dimension}'`,
      "value",
      visitors,
      `FROM (SELECT day, ${column}::text AS value, hash FROM other GROUP BY day, ${column}, hash) AS one
        GROUP BY day, value`
    )
  )
]

/**
 * The counts of facts, and the distinct visitors of visits that are not single. The entries of a page count the visits that
 * begin on the page.
 */
const factParts: ReadonlyArray<string> = eventDimensions.flatMap((dimension) => {
  const { column, from } = ofFact[dimension]
  const isPage = dimension === "event:page"
  return [
    part(
      `'${dimension}'`,
      "value",
      {
        ...(isPage ? {} : entries),
        ...visitorsOfSingles,
        visits: "count(*)",
        pageviews: "sum(views)",
        events: "sum(rows)",
        visit_pageviews: "sum(pageviews)"
      },
      `FROM (
        SELECT day, ${column} AS value, visit_id, is_single, is_bounce, duration, pageviews,
          count(*) FILTER (WHERE kind = 0) AS views, count(*) FILTER (WHERE kind < 2) AS rows
        FROM ${from} GROUP BY day, ${column}, visit_id, is_single, is_bounce, duration, pageviews
      ) AS one GROUP BY day, value`
    ),
    part(
      `'${dimension}'`,
      "value",
      visitors,
      `FROM (SELECT day, value, hash FROM (SELECT *, ${column} AS value FROM ${from}) AS counted
        WHERE NOT is_single GROUP BY day, value, hash) AS one GROUP BY day, value`
    ),
    ...(isPage ? [part(`'${dimension}'`, entryPage, entries, `FROM v GROUP BY day, ${entryPage}`)] : [])
  ]
})

/** The conversions and the revenue of all dimensions, from the few facts that reach a goal or have revenue. */
const reachedParts: ReadonlyArray<string> = [
  part("dimension", "value", { conversions: "count(*)" }, "FROM reached WHERE converts GROUP BY dimension, day, value"),
  part(
    "dimension",
    "value",
    { converted: "count(*)" },
    `FROM (SELECT dimension, day, value, hash FROM reached WHERE converts GROUP BY dimension, day, value, hash)
      AS one GROUP BY dimension, day, value`
  ),
  part(
    "dimension",
    "value",
    { revenue: "jsonb_object_agg(currency, total)::text" },
    `FROM (SELECT dimension, day, value, currency, sum(amount)::text AS total FROM reached
      WHERE amount IS NOT NULL GROUP BY dimension, day, value, currency) AS total GROUP BY dimension, day, value`
  )
]

/** The start, number and label of each hour. Hours with the same label have the same number. */
const hoursOf = ({ days, timeZone }: Pick<Input, "days" | "timeZone">) => {
  const hours = days.flatMap((day) => LocalTime.hours(timeZone, day))
  const labels = [...new Set(hours.map(({ label }) => label))]
  const numbers = new Map(labels.map((label, index) => [label, index + 1]))
  return {
    starts: hours.map(({ start }) => start),
    numbers: hours.map(({ label }) => numbers.get(label) ?? 0),
    labels
  }
}

/** The dimension and the value of a fact of the visit `v`, for each dimension of a kind. */
const valuesOf: Readonly<Record<Kind, string>> = {
  visits: `VALUES ${ofVisit.map(({ column, dimension }) => `('${dimension}', ${column}::text)`).join(", ")}`,
  facts: "VALUES ('event:page', page), ('event:name', name) UNION ALL SELECT 'event:goal', unnest(goals)"
}

/** The facts that reach a goal or have revenue, once for each dimension. */
const reached = (
  kinds: ReadonlyArray<Kind>
): string => `SELECT each.*, fact.day, hash, cardinality(goals) > 0 AS converts, amount, currency
  FROM fact JOIN v USING (visit_id) CROSS JOIN LATERAL (
    ${kinds.map((kind) => valuesOf[kind]).join(" UNION ALL ")}
  ) AS each (dimension, value) WHERE cardinality(goals) > 0 OR amount IS NOT NULL`

/** The columns that facts copy from their visits. */
const copied = ["visit_id", "day", "is_single", "is_bounce", "duration", "pageviews"]

const hashes = "unnest(coalesce(other_hashes, ARRAY[visitor_hash])) AS hash"

/** The stored visits of the days. */
const storedVisits = (parameters: Parameters, { days }: Input, websites: VisitSql.Websites): ReadonlyArray<string> => [
  `day_visit AS MATERIALIZED (
    SELECT *, ${VisitSql.dayOf(parameters, websites, days, "started_at")} AS day FROM visit
    WHERE hosted_website_id ${websites.isOne}
      AND started_at >= ${parameters.time(days[0]?.start ?? 0)} AND started_at < ${parameters.time(days.at(-1)?.end ?? 0)}
  )`
]

/** The columns of visits that the dimensions of some kinds need. */
const columnsOf = (kinds: ReadonlyArray<Kind>): ReadonlyArray<string> =>
  kinds.includes("visits") ? VisitSql.visitColumns : VisitSql.countedColumns

/** The stored visits of the visitors in `touched` that begin in a part of a day. */
const earlier = (parameters: Parameters, site: string, part: Interval, columns: string): string => {
  const stored = (table: string) =>
    VisitSql.inIntervals(parameters, VisitSql.one(site), [part], { columns, table, time: "started_at" })
  return `${stored(VisitSql.ofHashes("SELECT hash FROM touched"))}
    UNION ALL
    ${stored("visit")} AND other_hashes && ARRAY(SELECT hash FROM touched) AND NOT visitor_hash IN (SELECT hash FROM touched)`
}

/**
 * The visits of the visitors of `raw_visit`, which has the rows of a part of a website's day: as they are after these rows (`day`
 * is 1), and as they are stored (2). Their ids are different.
 */
const changedVisits = (
  parameters: Parameters,
  site: string,
  day: LocalTime.Day,
  part: Interval,
  kinds: ReadonlyArray<Kind>
): ReadonlyArray<string> => {
  if (part.start === day.start) return ["day_visit AS MATERIALIZED (SELECT * FROM raw_visit)"]
  const columns = columnsOf(kinds).join(", ")
  const before = { start: day.start, end: part.start }
  return [
    `touched AS MATERIALIZED (SELECT ${hashes} FROM raw_visit GROUP BY hash)`,
    `earlier AS MATERIALIZED (${earlier(parameters, site, before, `visit_id, ${columns}`)})`,
    `day_visit AS MATERIALIZED (
      SELECT 2 * visit_id AS visit_id, ${columns}, 1 AS day FROM raw_visit
      UNION ALL
      SELECT 2 * visit_id, ${columns}, 1 FROM earlier WHERE visit_id NOT IN (SELECT visit_id FROM continued)
      UNION ALL
      SELECT 2 * visit_id + 1, ${columns}, 2 FROM earlier
    )`
  ]
}

/** A statement that returns the dimension, the day, the value as `name`, and the counts of each group. */
const statementOf = (
  parameters: Parameters,
  input: Omit<Input, "hostedWebsiteIds">,
  websites: VisitSql.Websites,
  visits: ReadonlyArray<string>,
  kinds: ReadonlyArray<Kind> = everyKind,
  conditions: ReadonlyArray<string> = []
): string => {
  const { days, goals } = input
  const hours = hoursOf(input)
  const [ofVisits, ofFacts] = [kinds.includes("visits"), kinds.includes("facts")]
  const facts = FactSql.facts(
    {
      ...{ parameters, websites, goals, since: days[0]?.start ?? 0, onlyReaching: false },
      // Without goals, only revenue makes a difference to the dimensions of visits.
      conditions: ofFacts || goals !== null ? conditions : [...conditions, "r.revenue_amount IS NOT NULL"]
    },
    { views: ofFacts || goals !== null, events: true, conversions: goals !== null },
    copied
  )
  const dimensions = visitDimensions.flatMap((dimension, index) =>
    ofVisits || dimension === "visit:entry_page" ? [`${DimensionSql.visitValue(dimension)} AS d${index}`] : []
  )
  const page = DimensionSql.factValue(parameters, "event:page", "page")
  const name = DimensionSql.factValue(parameters, "event:name", "page")
  const expressions = [
    ...visits,
    `hashed AS MATERIALIZED (
      SELECT visit_id, day, ${hashes} FROM day_visit
    )`,
    `repeated AS MATERIALIZED (
      SELECT visit_id FROM hashed
        JOIN (SELECT day, hash FROM hashed GROUP BY day, hash HAVING count(*) > 1) AS several USING (day, hash)
    )`,
    `v AS MATERIALIZED (
      SELECT day, (${parameters.integers(hours.numbers)})[width_bucket(started_at, ${parameters.times(hours.starts)})] AS hour,
        ''::text AS none, other_hashes IS NULL AND visit_id NOT IN (SELECT visit_id FROM repeated) AS is_single,
        visit_id, pageviews, events, is_bounce, duration, started_at, ended_at, session_key, visitor_hash, other_hashes,
        ${VisitSql.idColumn(websites)
          .map((column) => `${column},`)
          .join("")}
        ${dimensions.join(", ")}
      FROM ${ofVisits ? DimensionSql.named("day_visit") : "day_visit"}
    )`,
    `other AS MATERIALIZED (
      SELECT *, ${hashes} FROM v WHERE NOT is_single
    )`,
    FactSql.reach,
    `fact AS MATERIALIZED (
      SELECT ${copied.join(", ")}, kind, ${page} AS page, ${name} AS name, goals, amount, currency, hash FROM (${facts}) AS one
    )`,
    `reached AS MATERIALIZED (${reached(kinds)})`
  ]
  const parts = [...(ofVisits ? visitParts : []), ...(ofFacts ? factParts : []), ...reachedParts]
  return `WITH ${expressions.join(", ")}
      SELECT dimension, day, CASE dimension WHEN 'time:hour' THEN (${parameters.texts(hours.labels)})[value::int] ELSE value END AS name,
        ${[...Counts.columns, "revenue"].join(", ")}
      FROM (
        SELECT dimension, day, value, ${GroupSql.aggregates}
        FROM (${parts.join(" UNION ALL ")}) AS part GROUP BY dimension, day, value
      ) AS summed`
}

/**
 * A statement that returns the website, the dimension, the date, the value as `name`, and the counts of each group of the stored
 * visits.
 */
export const statement = (parameters: Parameters, input: Input): string => {
  const { days, hostedWebsiteIds } = input
  const ids = parameters.uuids(hostedWebsiteIds)
  // The statement of one website joins and groups by fewer columns.
  const websites = hostedWebsiteIds.length === 1 ? VisitSql.one(`(${ids})[1]`) : VisitSql.some(ids)
  return `SELECT *, ${VisitSql.idOfDay(ids, days)} AS hosted_website_id,
      (${parameters.dates(days.map(({ date }) => date))})[(day - 1) % ${days.length} + 1] AS date
    FROM (${statementOf(parameters, input, websites, storedVisits(parameters, input, websites))}) AS summed
    WHERE visits > 0 OR conversions > 0`
}

/**
 * A statement with the columns of `statement` that returns what the rows of a part of a website's day add to the sums of the
 * visits that are stored before: the counts of some groups, and with a `sign` of -1 those that they replace. It reads the common
 * table expressions of `VisitSql.rawVisits` for this part. `site` is SQL of the hosted website's id.
 */
export const addition = (
  parameters: Parameters,
  site: string,
  timeZone: string,
  day: LocalTime.Day,
  part: Interval,
  kinds: ReadonlyArray<Kind> = everyKind
): string => {
  const summed = statementOf(
    parameters,
    { timeZone, days: [day], goals: null },
    VisitSql.one(site),
    changedVisits(parameters, site, day, part, kinds),
    kinds,
    [FactSql.isOfVisitor("SELECT hash FROM hashed")]
  )
  return `SELECT *, ${site} AS hosted_website_id, ${parameters.date(day.date)} AS date,
      CASE day WHEN 1 THEN 1 ELSE -1 END AS sign
    FROM (${summed}) AS summed`
}

/** The statement of an addition to the sums of one kind, which stores nothing. */
export const additionStatement = (
  parameters: Parameters,
  hostedWebsiteId: string,
  timeZone: string,
  day: LocalTime.Day,
  part: Interval,
  kind: Kind
): string => {
  const site = parameters.uuid(hostedWebsiteId)
  const visits = VisitSql.rawVisits(parameters, VisitSql.one(site), [part], { columns: columnsOf([kind]), days: [day] })
  return `WITH ${visits} ${addition(parameters, site, timeZone, day, part, [kind])}`
}
