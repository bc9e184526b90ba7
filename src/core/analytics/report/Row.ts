/**
 * What statistics are counted from: the stored rows of one site. Types only. Times are in milliseconds since 1970.
 *
 * @module
 */
import type { PropertyValue, Revenue } from "../Event.ts"
import type { Goal } from "../Goal.ts"
import type { Campaign } from "../PageView.ts"

interface Received {
  readonly receivedAt: number
  readonly path: string
  readonly sessionId: string | null
  /** 32 hexadecimal digits. */
  readonly visitorHash: string
  readonly deviceType: string | null
  readonly browser: string | null
  readonly os: string | null
  /** Two capital letters (ISO 3166-1). */
  readonly country: string | null
}

/** A page view. Bots are left out. */
export interface ViewRow extends Received {
  readonly campaign: Campaign
  readonly referrerHost: string | null
  readonly referrerPath: string | null
}

/** An event other than a page view. */
export interface EventRow extends Received {
  readonly name: string
  readonly properties: Readonly<Record<string, PropertyValue>> | null
  readonly revenue: Revenue | null
  /** Whether a visit with one page view and this event is no bounce. */
  readonly isInteractive: boolean
}

/** A visit's conversion without an event: a submitted form or a started chat. */
export interface ConversionRow {
  /** The time of the visit's first row when the conversion was stored. */
  readonly visitStartedAt: number
  /** See `Visits.sessionKey`. */
  readonly sessionKey: string
  /** A name of `Goal.leads`. */
  readonly name: string
}

/** `event:goal` is the name of the goal. */
export type GoalRow = Pick<Goal, "name" | "kind" | "value">

/** The rows of one site, each in any order. */
export interface SiteRows {
  readonly views: ReadonlyArray<ViewRow>
  readonly events: ReadonlyArray<EventRow>
  readonly conversions: ReadonlyArray<ConversionRow>
  readonly goals: ReadonlyArray<GoalRow>
}
