/**
 * The rows of a visit with the columns that a query can use, and the values of the dimensions. Pure.
 *
 * @module
 */

import type { PropertyValue, Revenue } from "../Event.ts"
import { pageviewName } from "../EventLimits.ts"
import * as Goal from "../Goal.ts"
import * as StoredView from "../StoredView.ts"
import * as Channel from "./Channel.ts"
import * as Dimensions from "./Dimensions.ts"
import { notSet } from "./Dimensions.ts"
import { type FilterDimension, isVisitDimension, propertyPrefix } from "./Query.ts"
import * as Sources from "./Sources.ts"
import type { GoalRow, Visit } from "./Visits.ts"

/** A page view, an event, or a lead, which is stored as a conversion. An absent value is null. */
export interface Fact {
  readonly kind: "view" | "event" | "conversion"
  readonly page: string | null
  readonly name: string | null
  /** The names of the goals that the fact reaches. */
  readonly goals: ReadonlyArray<string>
  readonly properties: Readonly<Record<string, PropertyValue>> | null
  readonly revenue: Revenue | null
  readonly visitorHash: string
}

/** The facts of a visit. */
export const ofVisit = (visit: Visit, goals: ReadonlyArray<GoalRow>): ReadonlyArray<Fact> => {
  const reached = (row: Parameters<typeof Goal.matches>[1]) => [
    ...new Set(goals.filter((goal) => Goal.matches(goal, row)).map(({ name }) => name))
  ]
  return [
    ...visit.views.map(
      ({ path, visitorHash }): Fact => ({
        kind: "view",
        page: path,
        name: pageviewName,
        goals: reached({ kind: "page", path }),
        properties: null,
        revenue: null,
        visitorHash
      })
    ),
    ...visit.events.map(
      ({ name, path, properties, revenue, visitorHash }): Fact => ({
        kind: "event",
        page: path,
        name,
        goals: reached({ kind: "event", name }),
        properties,
        revenue,
        visitorHash
      })
    ),
    ...visit.conversions.map(
      ({ name }): Fact => ({
        kind: "conversion",
        page: null,
        name: null,
        goals: [name],
        properties: null,
        revenue: null,
        visitorHash: visit.visitorHash
      })
    )
  ]
}

const orElse = (text: string | null | undefined, absent: string): string => text || absent

const property = ({ properties }: Fact, name: string): string =>
  properties !== null && Object.hasOwn(properties, name) ? orElse(String(properties[name]), notSet) : notSet

/** `utm_source`, else the referrer's host. */
const source = ({ landing }: Visit): string | null => landing?.campaign.source || landing?.referrerHost || null

/** The referrer's host and path; null without a referrer. The path `/` is left out. */
const referrer = ({ landing }: Visit): string | null =>
  landing?.referrerHost
    ? `${landing.referrerHost}${landing.referrerPath === "/" ? "" : (landing.referrerPath ?? "")}`
    : null

/** The value of a column that a visit copies from its first page view. */
export const ofLanding = ({ landing }: Visit, column: (typeof Dimensions.landingColumns)[number]): string | null =>
  landing && StoredView.byName[column].of(landing)

/** The value of a column that a visit copies from its first page view, else from its first event. */
export const ofClient = ({ client }: Visit, column: (typeof Dimensions.clientColumns)[number]): string | null =>
  client && StoredView.byName[column].of(client)

/** The values that are computed of a visit. */
export const computed: Readonly<Record<Dimensions.ComputedColumn, (visit: Visit) => string | null | undefined>> = {
  entry_page: ({ landing }) => landing?.path,
  exit_page: ({ views }) => views.at(-1)?.path,
  source_name: (visit) => {
    const given = source(visit)
    return given && Sources.nameOf(given)
  },
  referrer,
  channel: (visit) =>
    Channel.of({
      source: source(visit),
      medium: visit.landing?.campaign.medium || null,
      campaign: visit.landing?.campaign.name || null
    })
}

const visitText = (row: (typeof Dimensions.ofVisits)[Dimensions.VisitName], visit: Visit) => {
  switch (row.from) {
    case "landing":
      return ofLanding(visit, row.column)
    case "client":
      return ofClient(visit, row.column)
    case "visit":
      return computed[row.column](visit)
  }
}

const visitValue = (dimension: Dimensions.VisitName, visit: Visit): string => {
  const row = Dimensions.ofVisits[dimension]
  return orElse(visitText(row, visit), row.absent)
}

/**
 * The values of a dimension: any number for `event:goal`, otherwise one. `page` is the value of `event:page`; see `Evaluate`.
 */
export const values = (
  dimension: FilterDimension,
  visit: Visit,
  fact: Fact,
  page: string | null
): ReadonlyArray<string> => {
  if (dimension.startsWith(propertyPrefix)) return [property(fact, dimension.slice(propertyPrefix.length))]
  switch (dimension) {
    case "event:page":
      return [orElse(page, notSet)]
    case "event:name":
      return [orElse(fact.name, notSet)]
    case "event:goal":
      return fact.goals
    default:
      return isVisitDimension(dimension) ? [visitValue(dimension, visit)] : []
  }
}
