/**
 * Whether the service answers, and when to load again what is shown.
 *
 * @module
 */
import type { Failure } from "./Requests.ts"
import * as Store from "./Store.ts"

export interface Connection {
  /** Why the last request failed, if all of the console does not work now. */
  readonly failure: Failure | null
  /** When the last request succeeded, in ms since 1970. */
  readonly succeededAt: number
}

export const connection = Store.make<Connection>({ failure: null, succeededAt: Date.now() })

/** Counts up when everything that is shown should be loaded again. */
export const refresh = Store.make(0)

/** Seconds between two loads of a page that is looked at, and before a retry. */
const fresh = 60
const retryAfter = { first: 2, longest: 30 }

let loadedAt = Date.now()
let attempts = 0
let retry: ReturnType<typeof setTimeout> | undefined

/** Loads again what is shown. */
export const loadAgain = (): void => {
  loadedAt = Date.now()
  refresh.set(refresh.get() + 1)
}

/** Failures that pass by themselves. */
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
