/**
 * The recent activity of a website: page views, events, submissions and conversations in one list; and the service that reads it, see
 * `activity/postgres/SiteActivity` and `activity/clickhouse/SiteActivity`. Browsers can import it.
 *
 * @module
 */
import { Context, type Effect, Schema } from "effect"
import type { Row } from "../analytics/AnalyticsExport.ts"
import type { Received } from "../analytics/PageView.ts"
import { statuses } from "../forms/Submission.ts"
import { InstanceId, SubmissionId } from "../platform/Id.ts"
import type { StorageUnavailable } from "../platform/Storage.ts"
import * as Calendar from "../platform/text/Calendar.ts"
import * as Fields from "../sites/access/Fields.ts"
import type { Site } from "../sites/Site.ts"

const Text = Schema.NullOr(Schema.String)

/** What a page view and an event have in common. */
const visitor = { received_at: Fields.time, path: Schema.String, country: Text, device: Text, browser: Text }

/** A counted page view; `source` is its `utm_source`, else its referrer's host. */
const ViewActivity = Schema.Struct({ type: Schema.Literal("pageview"), ...visitor, source: Text })

const EventActivity = Schema.Struct({ type: Schema.Literal("event"), ...visitor, name: Schema.String })

export const SubmissionActivity = Schema.Struct({
  type: Schema.Literal("submission"),
  received_at: Fields.time,
  submission_id: SubmissionId,
  status: Schema.Literals(statuses),
  page_slug: Text
})

export type SubmissionActivity = typeof SubmissionActivity.Type

/** A conversation that began. */
export const ConversationActivity = Schema.Struct({
  type: Schema.Literal("conversation"),
  received_at: Fields.time,
  instance_id: InstanceId,
  conversation_id: Schema.String
})

export const Activity = Schema.Union([ViewActivity, EventActivity, SubmissionActivity, ConversationActivity])

export type Activity = typeof Activity.Type

const visitorOf = ({ browser, country, deviceType, path, receivedAt }: Received) => ({
  received_at: Calendar.iso(receivedAt),
  path,
  country,
  device: deviceType,
  browser
})

export const ofRow = (row: Row): Activity =>
  row.type === "pageview"
    ? { type: "pageview", ...visitorOf(row.view), source: row.view.campaign.source ?? row.view.referrerHost }
    : { type: "event", ...visitorOf(row.event), name: row.event.name }

/** Latest first: ISO 8601 times in UTC are ordered as texts. */
const latestFirst = (left: Activity, right: Activity): number =>
  left.received_at < right.received_at ? 1 : left.received_at > right.received_at ? -1 : 0

/** The activities of several lists, latest first. */
export const joined = (lists: ReadonlyArray<ReadonlyArray<Activity>>): ReadonlyArray<Activity> =>
  lists.flat().sort(latestFirst)

/** The same for equal activities, and for a submission before and after its release. */
const keyOf = (activity: Activity): string =>
  JSON.stringify(activity.type === "submission" ? { ...activity, status: null } : activity)

/**
 * The activities of `now` that are not in the earlier list `before`; both lists have at most `limit` of each type, latest first.
 * Several page views can be equal, because they have no id: each one in `before` leaves out only one in `now`. If `before` has
 * `limit` of a type, one that is no later than the last of these is not new: it replaces a deleted one.
 */
export const arrived = (
  before: ReadonlyArray<Activity>,
  now: ReadonlyArray<Activity>,
  limit: number
): ReadonlyArray<Activity> => {
  const oldest = new Map(
    [...Map.groupBy(before, ({ type }) => type)].flatMap(([type, ofType]) => {
      const last = ofType[limit - 1]
      return last === undefined ? [] : [[type, last.received_at] as const]
    })
  )
  const known = new Map<string, number>()
  for (const activity of before) {
    const key = keyOf(activity)
    known.set(key, (known.get(key) ?? 0) + 1)
  }
  return now.filter((activity) => {
    const key = keyOf(activity)
    const left = known.get(key) ?? 0
    known.set(key, left - 1)
    return left <= 0 && activity.received_at > (oldest.get(activity.type) ?? "")
  })
}

/** Times are in milliseconds since 1970. */
export interface RowQuery {
  /** Inclusive. */
  readonly from: number
  /** Inclusive. */
  readonly to: number
  /** The session keys whose rows are selected (see `Visits.sessionKey`), or all. */
  readonly keys: "all" | ReadonlyArray<string>
  /** How many of the latest page views and how many of the latest events of the period are searched at least. */
  readonly searched: number
}

export class SiteActivity extends Context.Service<
  SiteActivity,
  {
    /**
     * The latest activities, at most `limit` of each type, latest first: counted page views, events, submissions (also
     * quarantined ones) and beginnings of conversations.
     */
    readonly latest: (
      site: Pick<Site, "websiteConfigId" | "hostedWebsiteId">,
      limit: number
    ) => Effect.Effect<ReadonlyArray<Activity>, StorageUnavailable>
    /** The counted page views and events that a query selects, in any order. */
    readonly rows: (
      site: Pick<Site, "hostedWebsiteId">,
      query: RowQuery
    ) => Effect.Effect<ReadonlyArray<Row>, StorageUnavailable>
  }
>()("hydracore/activity/SiteActivity") {}
