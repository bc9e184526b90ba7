/**
 * Follows the live stream of a website, and opens the stream again when it breaks.
 *
 * @module
 */
import { useEffect, useReducer } from "preact/hooks"
import type { LiveChange } from "../../activity/OwnerLiveApi.ts"
import { connection, isSignedOut, reloadData } from "../Connection.ts"
import { type Feed, reduce } from "./Entries.ts"

/** Milliseconds before a broken stream is opened again, usually and while there is no session. */
const retryAfter = { usual: 3_000, signedOut: 30_000 }

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
