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
import { type Counts, type Group, keyOf } from "./Counts.ts"
import * as DateRange from "./DateRange.ts"
import * as Fact from "./Fact.ts"
import * as Filters from "./Filters.ts"
import * as LocalTime from "./LocalTime.ts"
import { type Dimension, isTimeDimension, propertyPrefix, type Query } from "./Query.ts"
import type * as Visits from "./Visits.ts"
import type { SiteRows } from "./Visits.ts"

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
  visit: Visits.Visit,
  local: number,
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

  add(visit: Visits.Visit, fact: Fact.Fact, visitor: string) {
    this.visitors.add(visitor)
    this.visits.add(visit)
    if (fact.kind === "view") this.pageviews++
    if (fact.kind !== "conversion") this.events++
    if (fact.revenue !== null) {
      const { amount, currency } = fact.revenue
      const sum = this.revenue.get(currency) ?? BigDecimal.fromBigInt(0n)
      this.revenue.set(currency, BigDecimal.sum(sum, BigDecimal.fromStringUnsafe(String(amount))))
    }
  }

  counts(): Counts {
    const sum = (visits: Iterable<Visits.Visit>, value: (visit: Visits.Visit) => number) =>
      Array.from(visits).reduce((total, visit) => total + value(visit), 0)
    return {
      visitors: this.visitors.size,
      visits: this.visits.size,
      pageviews: this.pageviews,
      events: this.events,
      visit_pageviews: sum(this.visits, ({ views }) => views.length),
      entries: this.entries.size,
      bounces: sum(this.entries, ({ isBounce }) => Number(isBounce)),
      duration: sum(this.entries, ({ duration }) => duration),
      conversions: this.conversions,
      converted: this.converted.size,
      groupVisitors: 0,
      revenue: Array.from(this.revenue, ([currency, value]) => ({ currency, value: BigDecimal.format(value) }))
    }
  }
}

/** The groups of some visits, without their divisors. */
export const groupsOfVisits = (
  shape: Shape,
  visits: ReadonlyArray<Visits.Visit>,
  timeZone: string,
  goals: SiteRows["goals"]
): ReadonlyArray<Group> => {
  const countsConversions = usesGoals(shape)
  const counters = new Map<string, GroupCounter>()
  const counterOf = (dimensions: ReadonlyArray<string>): GroupCounter => {
    const key = keyOf(dimensions)
    const counter = counters.get(key) ?? new GroupCounter(dimensions)
    counters.set(key, counter)
    return counter
  }
  // Without dimensions there is always one group.
  if (shape.dimensions.length === 0) counterOf([])
  for (const visit of visits) {
    const local = LocalTime.zone(timeZone).toLocal(visit.startedAt)
    /** A visitor of one day. */
    const visitorOf = ({ visitorHash }: Fact.Fact): string => `${dateOf(local)} ${visitorHash}`
    for (const fact of Fact.ofVisit(visit, goals)) {
      const isCounted = countsConversions || fact.kind !== "conversion"
      for (const group of groupsOf(shape, visit, local, fact, fact.page)) {
        const counter = counterOf(group)
        if (isCounted) counter.add(visit, fact, visitorOf(fact))
        if (fact.goals.length > 0) {
          counter.conversions++
          counter.converted.add(visitorOf(fact))
        }
      }
      if (!isCounted) continue
      for (const group of groupsOf(shape, visit, local, fact, visit.landing?.path ?? null)) {
        counterOf(group).entries.add(visit)
      }
    }
  }
  return Array.from(counters.values(), (counter) => ({ dimensions: counter.dimensions, counts: counter.counts() }))
}
