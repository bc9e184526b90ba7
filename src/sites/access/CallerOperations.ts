/**
 * Limits the concurrent tests and live streams of each key or session in this process, and the live streams of each website and
 * of the process. `SiteSlots` has one of these, and limits everything else that takes long.
 *
 * @module
 */
import { Effect, type Scope } from "effect"
import type { WebsiteConfigId } from "../../platform/Id.ts"
import { Caller } from "./AuthenticationApi.ts"
import type * as Errors from "./Errors.ts"

type TooManyRequests = (typeof Errors.TooManyRequests)["Type"]

/** The maximum number of concurrent tests per key or session. */
const maxTests = 2

/** Seconds after which a refused caller may try again. */
const retryAfter = { test: 5, live: 10 } as const

type Begin = Effect.Effect<void, TooManyRequests, Caller | Scope.Scope>

export interface CallerOperations {
  /** Begins a test, which ends with the request. Fails if the caller already runs the maximum number of tests. */
  readonly beginTest: Begin
  /** Begins a live stream of a website, which ends with the request. Fails as `refusal` decides. */
  readonly beginLive: (websiteConfigId: WebsiteConfigId) => Begin
}

const tooMany = (kind: keyof typeof retryAfter, detail: string): TooManyRequests => ({
  _tag: "TooManyRequests",
  detail,
  headers: { "retry-after": retryAfter[kind] }
})

/** The maximum number of streams of the process. */
export const total = 200

/** The maximum number of streams of one key or session. */
export const perCaller = 4

const websiteShare = 1 / 4

/**
 * The maximum number of streams of a website while other websites have `others`: a quarter of those that the others leave, so that
 * many keys and sessions of one website cannot take all streams from the others.
 */
export const maxOfWebsite = (others: number): number => Math.max(1, Math.floor((total - others) * websiteShare))

/** Whose limit refuses a stream, and that limit. */
export type Refusal =
  | { readonly reason: "caller"; readonly max: number }
  | { readonly reason: "website"; readonly max: number }
  | { readonly reason: "process" }

/** Why no further live stream may begin; null if one may. The arguments count the open streams. */
export const liveRefusal = (open: {
  readonly all: number
  readonly ofCaller: number
  readonly ofWebsite: number
}): Refusal | null => {
  if (open.ofCaller >= perCaller) return { reason: "caller", max: perCaller }
  const max = maxOfWebsite(open.all - open.ofWebsite)
  if (open.all >= total) return { reason: "process" }
  return open.ofWebsite >= max ? { reason: "website", max } : null
}

const liveDetail = (refusal: Refusal): string => {
  switch (refusal.reason) {
    case "caller":
      return `This key or session already has ${refusal.max} live streams, the maximum. Close one.`
    case "website":
      return `This website already has ${refusal.max} live streams, its share of this server. Close one, or try again later.`
    case "process":
      return "This server already serves its maximum number of live streams. Try again later."
  }
}

/** Counts by name. A count of 0 takes no memory. */
const counter = () => {
  const counts = new Map<string, number>()
  const of = (name: string): number => counts.get(name) ?? 0
  return {
    of,
    change: (name: string, by: 1 | -1): void => {
      const count = of(name) + by
      if (count === 0) counts.delete(name)
      else counts.set(name, count)
    }
  }
}

/** Counts the operations of this process. */
export const make = (): CallerOperations => {
  const tests = counter()
  const live = { all: 0, callers: counter(), websites: counter() }

  const changeLive = (callerId: string, websiteConfigId: WebsiteConfigId, by: 1 | -1) => {
    live.all += by
    live.callers.change(callerId, by)
    live.websites.change(websiteConfigId, by)
  }

  /** Fails with the refusal, or counts the operation until the request ends. */
  const hold = (refused: () => TooManyRequests | null, change: (by: 1 | -1) => void) =>
    Effect.acquireRelease(
      Effect.suspend(() => {
        const refusal = refused()
        if (refusal !== null) return Effect.fail(refusal)
        change(1)
        return Effect.void
      }),
      () => Effect.sync(() => change(-1))
    )

  return {
    beginTest: Effect.flatMap(Caller, ({ id }) =>
      hold(
        () =>
          tests.of(id) < maxTests
            ? null
            : tooMany("test", `This key or session already runs ${maxTests} tests, the maximum. Wait until one ends.`),
        (by) => tests.change(id, by)
      )
    ),
    beginLive: (websiteConfigId) =>
      Effect.flatMap(Caller, ({ id }) =>
        hold(
          () => {
            const refused = liveRefusal({
              all: live.all,
              ofCaller: live.callers.of(id),
              ofWebsite: live.websites.of(websiteConfigId)
            })
            return refused === null ? null : tooMany("live", liveDetail(refused))
          },
          (by) => changeLive(id, websiteConfigId, by)
        )
      )
  }
}
