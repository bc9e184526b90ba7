/**
 * The definition of every metric: counts the rows of a site. Pure, and simple rather than fast; a database must give the same
 * answers.
 *
 * - A fact is a page view, an event, or a conversion without an event. It matches if all filters hold for its own values and
 *   those of its visit. Visits and their facts count on the day on which the visit begins.
 * - Conversions without an event are not events. They count as conversions, and for visitors and visits only if the query
 *   mentions `event:goal`.
 * - The visits of a group are those with a matching fact in it. For `bounce_rate` and `visit_duration`, `event:page` is the
 *   page on which the visit began.
 * - `event:goal` groups a fact under each of its goals, and facts without a goal under none.
 *
 * @module
 */
import { BigDecimal } from "effect"
import { dateOf } from "../../platform/text/Calendar.ts"
import * as SmallCounts from "../shares/SmallCounts.ts"
import type { Answer } from "./Answer.ts"
import * as Assembly from "./Assembly.ts"
import { type Counts, type Group, keyOf } from "./Counts.ts"
import * as DateRange from "./DateRange.ts"
import * as Fact from "./Fact.ts"
import * as Filters from "./Filters.ts"
import * as LocalTime from "./LocalTime.ts"
import { type Dimension, isTimeDimension, type LocalDate, propertyPrefix, type Query } from "./Query.ts"
import type { SiteRows } from "./Row.ts"
import * as Visits from "./Visits.ts"

/** A visit with its facts, and the local time and date of its start. */
interface DatedVisit {
  readonly visit: Visits.Visit
  readonly local: number
  readonly date: LocalDate
  readonly facts: ReadonlyArray<Fact.Fact>
}

type Shape = Pick<Query, "dimensions" | "filters">

const isGoal = (dimension: Dimension): boolean => dimension === "event:goal"

/** Dimensions that describe a conversion rather than a visitor. The divisors of the conversion rates leave them out. */
const isOfConversion = (dimension: Dimension): boolean => isGoal(dimension) || dimension.startsWith(propertyPrefix)

/** Whether the query groups or filters by goals. */
export const usesGoals = ({ dimensions, filters }: Shape): boolean =>
  dimensions.some(isGoal) || filters.some((filter) => Filters.mentions(filter, isGoal))

/**
 * The query that counts the divisors of the conversion rates: the visitors of each of its groups for `group_conversion_rate`, and
 * its visitors over all groups for `conversion_rate`.
 */
export const divisor = ({ dimensions, filters }: Shape): Shape => ({
  dimensions: dimensions.filter((dimension) => !isOfConversion(dimension)),
  filters: filters.filter((filter) => !Filters.mentions(filter, isOfConversion))
})

/** Whether `event:goal` makes a group for a goal: every condition on goals at the top level must accept the goal. */
const hasGroupForGoal =
  ({ filters }: Pick<Query, "filters">) =>
  (goal: string): boolean =>
    filters.every((filter) => !("dimension" in filter) || !isGoal(filter.dimension) || Filters.accepts(filter, [goal]))

/**
 * The goals that a query needs. If the only filter on goals is positive, a fact matches by the goals that it accepts, and no other goal
 * is counted: a store need not read the page views and events that reach only others.
 */
export const goalsOf = <A extends { readonly name: string }>(
  { filters }: Shape,
  goals: ReadonlyArray<A>
): ReadonlyArray<A> => {
  const [filter, ...others] = filters.filter((filter) => Filters.mentions(filter, isGoal))
  if (filter === undefined || others.length > 0 || !("dimension" in filter)) return goals
  const isPositive = filter.operator === "is" || filter.operator === "contains"
  return isPositive ? goals.filter(({ name }) => Filters.accepts(filter, [name])) : goals
}

/** The groups of a fact: one for each combination of its dimensions' values; none if it does not match. */
const groupsOf = (
  shape: Shape,
  { local, visit }: DatedVisit,
  fact: Fact.Fact,
  page: string | null
): ReadonlyArray<ReadonlyArray<string>> => {
  const hasGroup = hasGroupForGoal(shape)
  const matches = shape.filters.every((filter) =>
    Filters.matches(filter, (dimension) => Fact.values(dimension, visit, fact, page))
  )
  if (!matches) return []
  return shape.dimensions.reduce<ReadonlyArray<ReadonlyArray<string>>>(
    (groups, dimension) => {
      const values = isTimeDimension(dimension)
        ? [DateRange.label(dimension, local)]
        : Fact.values(dimension, visit, fact, page).filter((value) => !isGoal(dimension) || hasGroup(value))
      return groups.flatMap((group) => values.map((value) => [...group, value]))
    },
    [[]]
  )
}

/** A visitor of one day. */
const visitorOf = ({ date }: DatedVisit, { visitorHash }: Fact.Fact): string => `${date} ${visitorHash}`

/** The visitors of each group. */
const visitorsBy = (shape: Shape, datedVisits: ReadonlyArray<DatedVisit>): ReadonlyMap<string, ReadonlySet<string>> => {
  const visitors = new Map<string, Set<string>>()
  for (const dated of datedVisits) {
    for (const fact of dated.facts) {
      if (fact.kind === "conversion") continue
      for (const group of groupsOf(shape, dated, fact, fact.page)) {
        const key = keyOf(group)
        visitors.set(key, (visitors.get(key) ?? new Set()).add(visitorOf(dated, fact)))
      }
    }
  }
  return visitors
}

/** The counts of a group while the facts are read. */
class GroupCounter {
  readonly dimensions: ReadonlyArray<string>
  readonly visitors = new Set<string>()
  readonly visits = new Set<Visits.Visit>()
  /** The visits over which `bounce_rate` and `visit_duration` are computed. */
  readonly entries = new Set<Visits.Visit>()
  readonly converted = new Set<string>()
  pageviews = 0
  /** Page views and events. */
  events = 0
  conversions = 0
  readonly revenue = new Map<string, BigDecimal.BigDecimal>()

  constructor(dimensions: ReadonlyArray<string>) {
    this.dimensions = dimensions
  }

  add(dated: DatedVisit, fact: Fact.Fact) {
    this.visitors.add(visitorOf(dated, fact))
    this.visits.add(dated.visit)
    if (fact.kind === "view") this.pageviews++
    if (fact.kind !== "conversion") this.events++
    if (fact.revenue !== null) {
      const { amount, currency } = fact.revenue
      const sum = this.revenue.get(currency) ?? BigDecimal.fromBigInt(0n)
      this.revenue.set(currency, BigDecimal.sum(sum, BigDecimal.fromStringUnsafe(String(amount))))
    }
  }

  counts(groupVisitors: number): Counts {
    const sum = (visits: Iterable<Visits.Visit>, value: (visit: Visits.Visit) => number) =>
      Array.from(visits).reduce((total, visit) => total + value(visit), 0)
    return {
      visitors: this.visitors.size,
      visits: this.visits.size,
      pageviews: this.pageviews,
      events: this.events,
      visitPageviews: sum(this.visits, ({ views }) => views.length),
      entries: this.entries.size,
      bounces: sum(this.entries, ({ isBounce }) => Number(isBounce)),
      duration: sum(this.entries, ({ duration }) => duration),
      conversions: this.conversions,
      converted: this.converted.size,
      groupVisitors,
      revenue: Array.from(this.revenue, ([currency, value]) => ({ currency, value: BigDecimal.format(value) }))
    }
  }
}

const countGroups = (query: Shape, datedVisits: ReadonlyArray<DatedVisit>): ReadonlyArray<GroupCounter> => {
  const countsConversions = usesGoals(query)
  const counters = new Map<string, GroupCounter>()
  const counterOf = (dimensions: ReadonlyArray<string>): GroupCounter => {
    const key = keyOf(dimensions)
    const counter = counters.get(key) ?? new GroupCounter(dimensions)
    counters.set(key, counter)
    return counter
  }
  // Without dimensions there is always one group.
  if (query.dimensions.length === 0) counterOf([])
  for (const dated of datedVisits) {
    for (const fact of dated.facts) {
      const isCounted = countsConversions || fact.kind !== "conversion"
      for (const group of groupsOf(query, dated, fact, fact.page)) {
        const counter = counterOf(group)
        if (isCounted) counter.add(dated, fact)
        if (fact.goals.length > 0) {
          counter.conversions++
          counter.converted.add(visitorOf(dated, fact))
        }
      }
      if (!isCounted) continue
      for (const group of groupsOf(query, dated, fact, dated.visit.landing?.path ?? null)) {
        counterOf(group).entries.add(dated.visit)
      }
    }
  }
  return [...counters.values()]
}

const needsConversions = ({ metrics }: Query): boolean =>
  metrics.some(
    (metric) => metric === "conversions" || metric === "conversion_rate" || metric === "group_conversion_rate"
  )

const count = (query: Query, all: ReadonlyArray<DatedVisit>, range: DateRange.Resolved): Assembly.Counted => {
  const datedVisits = all.filter(
    ({ date, visit }) =>
      date >= range.first && date <= range.last && (range.until === undefined || visit.startedAt < range.until)
  )
  const divisorShape = divisor(query)
  const groupVisitors = visitorsBy(divisorShape, datedVisits)
  const keptIndexes = query.dimensions.flatMap((dimension, index) => (isOfConversion(dimension) ? [] : [index]))
  const groups = countGroups(query, datedVisits)
    .filter(
      ({ conversions, visitors }) =>
        query.dimensions.length === 0 || visitors.size > 0 || (needsConversions(query) && conversions > 0)
    )
    .map((counter): Group => {
      const kept = keyOf(keptIndexes.map((index) => counter.dimensions[index] ?? ""))
      return { dimensions: counter.dimensions, counts: counter.counts(groupVisitors.get(kept)?.size ?? 0) }
    })
  const overall = visitorsBy({ ...divisorShape, dimensions: [] }, datedVisits)
  return { range, groups, allVisitors: overall.get(keyOf([]))?.size ?? 0 }
}

const datedOf = (visit: Visits.Visit, timeZone: string, goals: SiteRows["goals"]): DatedVisit => {
  const local = LocalTime.zone(timeZone).toLocal(visit.startedAt)
  return { visit, local, date: dateOf(local), facts: Fact.ofVisit(visit, goals) }
}

/** The groups of some visits, without their divisors. */
export const groupsOfVisits = (
  shape: Shape,
  visits: ReadonlyArray<Visits.Visit>,
  timeZone: string,
  goals: SiteRows["goals"]
): ReadonlyArray<Group> =>
  countGroups(
    shape,
    visits.map((visit) => datedOf(visit, timeZone, goals))
  ).map((counter) => ({ dimensions: counter.dimensions, counts: counter.counts(0) }))

/** Counts the rows of a site for a query, and passes the counts to `answer`. */
const evaluateWith = <A>(
  query: Query,
  rows: SiteRows,
  answer: (query: Query, counted: Assembly.Counted, compared: Assembly.Counted | null) => A
): A => {
  const datedVisits = Visits.make(rows, query.timeZone).map((visit) => datedOf(visit, query.timeZone, rows.goals))
  const range = DateRange.resolved(
    query,
    datedVisits.reduce<number | null>((first, { local }) => Math.min(first ?? local, local), null)
  )
  const counted = count(query, datedVisits, range)
  const compared =
    query.comparison === null
      ? null
      : count(query, datedVisits, DateRange.compared(range, { ...query, comparison: query.comparison }))
  return answer(query, counted, compared)
}

/** The answer to a query over the rows of its site. */
export const evaluate = (query: Query, rows: SiteRows): Answer => evaluateWith(query, rows, Assembly.answer)

/** The same answer with coarse counts, as a shared dashboard shows it. */
export const evaluateCoarse = (query: Query, rows: SiteRows): SmallCounts.CoarseAnswer =>
  evaluateWith(query, rows, SmallCounts.answer)
