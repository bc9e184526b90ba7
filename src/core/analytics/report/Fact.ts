/**
 * The rows of a visit with the columns that a query can use, and the values of the dimensions. Pure.
 *
 * @module
 */
import type { PropertyValue, Revenue } from "../Event.ts"
import { pageviewName } from "../EventLimits.ts"
import * as Goal from "../Goal.ts"
import * as Channel from "./Channel.ts"
import { type FilterDimension, propertyPrefix } from "./Query.ts"
import type { GoalRow, ViewRow } from "./Row.ts"
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

/** Stands for the absent value of a dimension. */
export const notSet = "(not set)"

/** The source of a visit that has neither a `utm_source` nor a referrer, and the referrer of a visit that has none. */
export const direct = "Direct / None"

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
export const source = ({ campaign, referrerHost }: Visit): string | null => campaign?.source || referrerHost || null

/** The referrer's host and path. The path `/` is left out. */
export const referrer = ({ referrerHost, referrerPath }: Pick<ViewRow, "referrerHost" | "referrerPath">): string =>
  referrerHost ? `${referrerHost}${referrerPath === "/" ? "" : (referrerPath ?? "")}` : direct

const visitValue = (dimension: string, visit: Visit): string => {
  switch (dimension) {
    case "visit:entry_page":
      return orElse(visit.entryPage, notSet)
    case "visit:exit_page":
      return orElse(visit.exitPage, notSet)
    case "visit:source":
      return orElse(source(visit), direct)
    case "visit:referrer":
      return referrer(visit)
    case "visit:channel":
      return Channel.of({
        source: source(visit),
        medium: visit.campaign?.medium || null,
        campaign: visit.campaign?.name || null
      })
    case "visit:utm_source":
      return orElse(visit.campaign?.source, notSet)
    case "visit:utm_medium":
      return orElse(visit.campaign?.medium, notSet)
    case "visit:utm_campaign":
      return orElse(visit.campaign?.name, notSet)
    case "visit:utm_term":
      return orElse(visit.campaign?.term, notSet)
    case "visit:utm_content":
      return orElse(visit.campaign?.content, notSet)
    case "visit:device":
      return orElse(visit.deviceType, notSet)
    case "visit:browser":
      return orElse(visit.browser, notSet)
    case "visit:os":
      return orElse(visit.os, notSet)
    default:
      return orElse(visit.country, notSet)
  }
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
      return [visitValue(dimension, visit)]
  }
}
