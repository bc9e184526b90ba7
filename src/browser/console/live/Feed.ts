/**
 * Follows the live stream of a website, and opens the stream again when it breaks.
 *
 * @module
 */
import { useEffect, useReducer } from "preact/hooks"
import type { LiveChange } from "../../../contract/owner/Live.ts"
import { connection, isSignedOut, reloadData } from "../Connection.ts"

export type Activity = LiveChange["activity"][number]

/** An activity of the list. The number distinguishes equal activities. */
export interface Entry {
  readonly number: number
  readonly activity: Activity
}

export interface Feed {
  /** Null until the stream has begun. */
  readonly visitors: number | null
  /** Latest first. */
  readonly entries: ReadonlyArray<Entry>
  readonly isBroken: boolean
}

/** The maximum number of entries that are kept. */
const maxEntries = 200

/** Milliseconds before a broken stream is opened again, usually and while there is no session. */
const retryAfter = { usual: 3_000, signedOut: 30_000 }

type Action = { readonly kind: "latest" | "change"; readonly change: LiveChange } | { readonly kind: "broken" }

/**
 * The activities that are not among the entries yet: a new stream repeats the latest activities. Of equal activities, as many
 * are left out as there are equal entries.
 */
const newOf = (entries: ReadonlyArray<Entry>, activity: ReadonlyArray<Activity>): ReadonlyArray<Activity> => {
  const known = new Map<string, number>()
  for (const entry of entries) {
    const key = JSON.stringify(entry.activity)
    known.set(key, (known.get(key) ?? 0) + 1)
  }
  return activity.filter((one) => {
    const key = JSON.stringify(one)
    const left = known.get(key) ?? 0
    known.set(key, left - 1)
    return left <= 0
  })
}

/** The feed after a message of the stream, or after its end. Pure. */
export const reduce = (feed: Feed, action: Action): Feed => {
  if (action.kind === "broken") return { ...feed, isBroken: true }
  const { activity, visitors } = action.change
  const arrived = action.kind === "latest" ? newOf(feed.entries, activity) : activity
  const next = (feed.entries[0]?.number ?? 0) + arrived.length
  const added = arrived.map((one, place) => ({ number: next - place, activity: one }))
  return { visitors, entries: [...added, ...feed.entries].slice(0, maxEntries), isBroken: false }
}

const initial: Feed = { visitors: null, entries: [], isBroken: false }

/** Follows the live stream of a website while the page is visible. */
export const useFeed = (siteId: string): Feed => {
  const [feed, dispatch] = useReducer(reduce, initial)
  useEffect(() => {
    let source: EventSource | undefined
    let retry: ReturnType<typeof setTimeout> | undefined
    const close = () => {
      source?.close()
      source = undefined
      clearTimeout(retry)
    }
    const open = () => {
      close()
      if (document.visibilityState === "hidden") return
      source = new EventSource(`/v1/owner/sites/${encodeURIComponent(siteId)}/live`)
      for (const kind of ["latest", "change"] as const) {
        source.addEventListener(kind, (event: MessageEvent<string>) =>
          dispatch({ kind, change: JSON.parse(event.data) as LiveChange })
        )
      }
      source.addEventListener("error", () => {
        dispatch({ kind: "broken" })
        close()
        retry = setTimeout(
          () => {
            // `EventSource` does not say why it failed. If the session has ended, this request shows it.
            reloadData()
            open()
          },
          retryAfter[isSignedOut(connection.get()) ? "signedOut" : "usual"]
        )
      })
    }
    open()
    document.addEventListener("visibilitychange", open)
    return () => {
      document.removeEventListener("visibilitychange", open)
      close()
    }
  }, [siteId])
  return feed
}
