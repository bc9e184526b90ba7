/**
 * The rows of a visit with the columns that a query can use, and the values of the dimensions. Pure.
 *
 * @module
 */

import type { PropertyValue, Revenue } from "../Event.ts"
import { pageviewName } from "../EventLimits.ts"
import * as Goal from "../Goal.ts"
import * as Channel from "./Channel.ts"
import * as Dimensions from "./Dimensions.ts"
import { notSet } from "./Dimensions.ts"
import { type FilterDimension, isVisitDimension, propertyPrefix } from "./Query.ts"
import type { GoalRow, ViewRow } from "./Row.ts"
import * as Sources from "./Sources.ts"
import type { Visit } from "./Visits.ts"

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
const source = ({ campaign, referrerHost }: Visit): string | null => campaign?.source || referrerHost || null

/** The referrer's host and path; null without a referrer. The path `/` is left out. */
const referrer = ({ referrerHost, referrerPath }: Pick<ViewRow, "referrerHost" | "referrerPath">): string | null =>
  referrerHost ? `${referrerHost}${referrerPath === "/" ? "" : (referrerPath ?? "")}` : null

/** The values of the columns of dimensions. */
export const columns: Readonly<Record<Dimensions.Column, (visit: Visit) => string | null | undefined>> = {
  entry_page: ({ entryPage }) => entryPage,
  exit_page: ({ exitPage }) => exitPage,
  source_name: (visit) => {
    const given = source(visit)
    return given && Sources.nameOf(given)
  },
  referrer,
  channel: (visit) =>
    Channel.of({
      source: source(visit),
      medium: visit.campaign?.medium || null,
      campaign: visit.campaign?.name || null
    }),
  utm_source: ({ campaign }) => campaign?.source,
  utm_medium: ({ campaign }) => campaign?.medium,
  utm_campaign: ({ campaign }) => campaign?.name,
  utm_term: ({ campaign }) => campaign?.term,
  utm_content: ({ campaign }) => campaign?.content,
  device_type: ({ deviceType }) => deviceType,
  browser: ({ browser }) => browser,
  os: ({ os }) => os,
  country: ({ country }) => country
}

const visitValue = (dimension: Dimensions.VisitName, visit: Visit): string => {
  const { absent, column } = Dimensions.ofVisits[dimension]
  return orElse(columns[column](visit), absent)
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
