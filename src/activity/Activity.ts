/**
 * The recent activity of a website: page views, events, submissions and conversations in one list. Pure.
 *
 * @module
 */

import type { Event } from "../analytics/Event.ts"
import type { PageView } from "../analytics/PageView.ts"
import type { Status, Submission } from "../forms/Submission.ts"

/** What a page view and an event have in common. */
interface VisitorAction {
  /** Milliseconds since 1970. */
  readonly receivedAt: number
  readonly path: string
  readonly country: string | null
  readonly deviceType: string | null
  readonly browser: string | null
}

/** A counted page view; `source` is its `utm_source`, else its referrer's host. */
export interface ViewActivity extends VisitorAction {
  readonly type: "pageview"
  readonly source: string | null
}

export interface EventActivity extends VisitorAction {
  readonly type: "event"
  readonly name: string
}

export interface SubmissionActivity {
  readonly type: "submission"
  readonly receivedAt: number
  readonly submissionId: string
  readonly status: Status
  readonly pageSlug: string | null
}

/** A conversation that began. */
export interface ConversationActivity {
  readonly type: "conversation"
  readonly receivedAt: number
  readonly instanceId: string
  readonly conversationId: string
}

export type Activity = ViewActivity | EventActivity | SubmissionActivity | ConversationActivity

const commonFields = ({ browser, country, deviceType, path, receivedAt }: VisitorAction): VisitorAction => ({
  receivedAt,
  path,
  country,
  deviceType,
  browser
})

export const ofView = (view: PageView): ViewActivity => ({
  type: "pageview",
  ...commonFields(view),
  source: view.campaign.source ?? view.referrerHost
})

export const ofEvent = (event: Event): EventActivity => ({ type: "event", ...commonFields(event), name: event.name })

export const ofSubmission = ({
  pageSlug,
  receivedAt,
  status,
  submissionId
}: Pick<Submission, "pageSlug" | "receivedAt" | "status" | "submissionId">): SubmissionActivity => ({
  type: "submission",
  receivedAt,
  submissionId,
  status,
  pageSlug
})

/** The latest activities of several lists, at most `limit`, latest first. */
export const latest = (lists: ReadonlyArray<ReadonlyArray<Activity>>, limit: number): ReadonlyArray<Activity> =>
  lists
    .flat()
    .sort((left, right) => right.receivedAt - left.receivedAt)
    .slice(0, limit)

/** The same for equal activities, and for a submission before and after its release. */
const keyOf = (activity: Activity): string =>
  JSON.stringify(activity.type === "submission" ? { ...activity, status: null } : activity)

/**
 * The activities of `now` that are not in the earlier list `before`; both lists have at most `limit`, latest first. Several
 * page views can be equal, because they have no id: each one in `before` leaves out only one in `now`. An activity that is no
 * later than the last of a full `before` is not new: it replaces a deleted one.
 */
export const arrived = (
  before: ReadonlyArray<Activity>,
  now: ReadonlyArray<Activity>,
  limit: number
): ReadonlyArray<Activity> => {
  const oldest = before.length < limit ? undefined : before.at(-1)?.receivedAt
  const known = new Map<string, number>()
  for (const activity of before) {
    const key = keyOf(activity)
    known.set(key, (known.get(key) ?? 0) + 1)
  }
  return now.filter((activity) => {
    const key = keyOf(activity)
    const left = known.get(key) ?? 0
    known.set(key, left - 1)
    return left <= 0 && (oldest === undefined || activity.receivedAt > oldest)
  })
}
