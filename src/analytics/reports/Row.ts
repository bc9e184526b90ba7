/**
 * The stored rows of one site, from which statistics are computed. Types only. Times are in milliseconds since 1970.
 *
 * @module
 */

import type { Event } from "../Event.ts"
import type { Goal } from "../Goal.ts"
import type * as StoredView from "../StoredView.ts"

/** A page view that counts. */
export type ViewRow = StoredView.View

/** An event other than a page view. */
export type EventRow = Omit<Event, "hostedWebsiteId">

/** A visit's conversion without an event: a submitted form or a started chat. */
export interface ConversionRow {
  /** The time of the visit's first row, as it was known when the conversion was stored. */
  readonly visitStartedAt: number
  /** See `Visits.sessionKey`. */
  readonly sessionKey: string
  /** A name of `Goal.leads`. */
  readonly name: string
}

/** A goal. Its name is a value of the dimension `event:goal`. */
export type GoalRow = Pick<Goal, "name" | "kind" | "value">

/** The rows of one site. Each list is in any order. */
export interface SiteRows {
  readonly views: ReadonlyArray<ViewRow>
  readonly events: ReadonlyArray<EventRow>
  readonly conversions: ReadonlyArray<ConversionRow>
  readonly goals: ReadonlyArray<GoalRow>
}
