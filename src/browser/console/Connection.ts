/**
 * Whether the service answers, and when the page reloads its data.
 *
 * @module
 */
import type { Failure } from "./Requests.ts"
import * as Store from "./Store.ts"

export interface Connection {
  /** Why the last request failed, if the failure concerns the whole console. */
  readonly failure: Failure | null
  /** When the last request succeeded, in ms since 1970. */
  readonly succeededAt: number
}

export const connection = Store.make<Connection>({ failure: null, succeededAt: Date.now() })

/** Increases whenever the page must reload its data. */
export const refresh = Store.make(0)

/** Seconds between two loads of a visible page, and before a retry. */
const fresh = 60
const retryAfter = { first: 2, longest: 30 }

let loadedAt = Date.now()
let attempts = 0
let retry: ReturnType<typeof setTimeout> | undefined

/** Reloads the data of the page. */
export const loadAgain = (): void => {
  loadedAt = Date.now()
  refresh.set(refresh.get() + 1)
}

/** Whether a failure is temporary. */
const passes = (failure: Failure): boolean =>
  failure.kind === "offline" || failure.kind === "unavailable" || failure.kind === "too-many"

export const succeeded = (): void => {
  attempts = 0
  connection.set({ failure: null, succeededAt: Date.now() })
}

export const failed = (failure: Failure): void => {
  if (!passes(failure) && failure.kind !== "signed-out") return
  connection.set({ ...connection.get(), failure })
  if (!passes(failure) || retry !== undefined) return
  const seconds = failure.retryAfter ?? Math.min(retryAfter.first * 2 ** attempts++, retryAfter.longest)
  retry = setTimeout(() => {
    retry = undefined
    loadAgain()
  }, seconds * 1000)
}

const isOld = (): boolean => Date.now() - loadedAt >= fresh * 1000

addEventListener("online", loadAgain)
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible" && isOld()) loadAgain()
})
setInterval(() => {
  if (document.visibilityState === "visible" && isOld()) loadAgain()
}, 5_000)
