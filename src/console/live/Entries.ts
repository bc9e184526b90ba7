/**
 * What the live page shows of a website, which changes with each message of the stream: its visits, and a list that grows of what
 * else arrives. Pure.
 *
 * @module
 */
import type { LiveChange } from "../../activity/OwnerActivityApi.ts"

/** An activity of the list. Page views are shown as their visits. */
export type Activity = Exclude<LiveChange["activity"][number], { readonly type: "pageview" }>

/** An activity of the list. The number distinguishes equal activities. */
export interface Entry {
  readonly number: number
  readonly activity: Activity
}

export interface Feed {
  /** Null until the stream has begun. */
  readonly visitors: number | null
  /** Those that are on the website now. */
  readonly visits: LiveChange["visits"]
  /** Latest first. */
  readonly entries: ReadonlyArray<Entry>
  /** When the last page view was received, if one is known. */
  readonly viewedAt: string | null
  readonly isBroken: boolean
}

/** The maximum number of entries that are kept. */
const maxEntries = 200

type Action = { readonly kind: "latest" | "change"; readonly change: LiveChange } | { readonly kind: "broken" }

/** The same for equal activities, and for a submission before and after its release. */
const keyOf = (activity: Activity): string =>
  JSON.stringify(activity.type === "submission" ? { ...activity, status: null } : activity)

/**
 * The activities that are not among the entries yet: a new stream repeats the latest activities. Of equal activities, as many
 * are left out as there are equal entries.
 */
const newOf = (entries: ReadonlyArray<Entry>, activity: ReadonlyArray<Activity>): ReadonlyArray<Activity> => {
  const known = new Map<string, number>()
  for (const entry of entries) {
    const key = keyOf(entry.activity)
    known.set(key, (known.get(key) ?? 0) + 1)
  }
  return activity.filter((one) => {
    const key = keyOf(one)
    const left = known.get(key) ?? 0
    known.set(key, left - 1)
    return left <= 0
  })
}

/** The feed after a message of the stream, or after its end. Pure. */
export const reduce = (feed: Feed, action: Action): Feed => {
  if (action.kind === "broken") return { ...feed, isBroken: true }
  const { activity, visitors, visits } = action.change
  const listed = activity.filter((one) => one.type !== "pageview")
  const arrived = action.kind === "latest" ? newOf(feed.entries, listed) : listed
  const next = (feed.entries[0]?.number ?? 0) + arrived.length
  const added = arrived.map((one, place) => ({ number: next - place, activity: one }))
  const viewedAt = activity.find(({ type }) => type === "pageview")?.received_at ?? feed.viewedAt
  return { visitors, visits, entries: [...added, ...feed.entries].slice(0, maxEntries), viewedAt, isBroken: false }
}
