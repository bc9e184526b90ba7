/**
 * Whether the service answers, and when the page reloads its data.
 *
 * @module
 */
import { type Failure, type FailureKind, send } from "./Requests.ts"
import * as Store from "./Store.ts"

export interface Connection {
  /** The last failure that concerned the whole console; null if a request has succeeded since, or if there was none. */
  readonly failure: Failure | null
  /** When a request last succeeded, in milliseconds since 1970; null if none has yet. */
  readonly succeededAt: number | null
}

export const connection = Store.make<Connection>({ failure: null, succeededAt: null })

/** Increases whenever the page must reload its data. */
export const refresh = Store.make(0)

/** The age in seconds at which the data of a visible page is loaded again. */
const maxAge = 60

/**
 * The first and the longest wait before a retry, in seconds. The wait doubles with each failure. If the service says when to
 * retry, its time applies instead.
 */
const retryWait = { first: 2, longest: 30 }

let loadedAt = Date.now()
let attempts = 0
let retry: ReturnType<typeof setTimeout> | undefined

/** Whether there is no session, or the session has ended. */
export const isSignedOut = ({ failure }: Connection): boolean => failure?.kind === "signed-out"

/** Reloads the data of the page. Without a session, only checks whether there is a new one: other requests would be refused. */
export const reloadData = (): void => {
  loadedAt = Date.now()
  if (isSignedOut(connection.get())) return void resume()
  refresh.set(refresh.get() + 1)
}

/** Reloads the data of the page if this browser has a session again. Otherwise, returns why none was found. */
export const resume = async (): Promise<FailureKind | undefined> => {
  const outcome = await send("GET /v1/owner/session", {})
  if (!outcome.ok) return outcome.failure.kind
  recordSuccess()
  reloadData()
  return undefined
}

const isTemporary = (failure: Failure): boolean =>
  failure.kind === "offline" || failure.kind === "unavailable" || failure.kind === "too-many"

export const recordSuccess = (): void => {
  attempts = 0
  connection.set({ failure: null, succeededAt: Date.now() })
}

export const recordFailure = (failure: Failure): void => {
  if (!isTemporary(failure) && failure.kind !== "signed-out") return
  connection.set({ ...connection.get(), failure })
  if (!isTemporary(failure) || retry !== undefined) return
  const seconds = failure.retryAfter ?? Math.min(retryWait.first * 2 ** attempts++, retryWait.longest)
  retry = setTimeout(() => {
    retry = undefined
    reloadData()
  }, seconds * 1000)
}

const isOld = (): boolean => Date.now() - loadedAt >= maxAge * 1000

addEventListener("online", reloadData)
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible" && isOld()) reloadData()
})
// A sign-in link that is opened in another window signs this one in, too: they share the cookie.
addEventListener("focus", () => {
  if (isSignedOut(connection.get())) reloadData()
})
setInterval(() => {
  if (document.visibilityState === "visible" && isOld()) reloadData()
}, 5_000)
