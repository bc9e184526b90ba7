/**
 * Bounds the searches, exports, tests and live streams of one key or session that run at once in this process, since all callers
 * share a few connections.
 *
 * @module
 */
import { Context, Effect, Layer, type Scope } from "effect"
import { Caller } from "../../contract/owner/Authentication.ts"
import type * as Errors from "../../contract/owner/Errors.ts"

type TooManyRequests = (typeof Errors.TooManyRequests)["Type"]

/** The most of each kind that run at once. */
const most = { search: 2, export: 1, test: 2, live: 4 } as const

const nouns = { search: "searches", export: "export", test: "tests", live: "live streams" } as const

/** The most live streams of all callers. */
const mostLive = 200

export type Kind = keyof typeof most

/** Seconds after which a refused caller may try again. */
const retryAfter = { search: 1, export: 5, test: 5, live: 10 } as const

export class CallerReads extends Context.Service<
  CallerReads,
  {
    /** Begins one of a kind, which ends with the request. Fails if as many as the caller may run are running. */
    readonly begin: (kind: Kind) => Effect.Effect<void, TooManyRequests, Caller | Scope.Scope>
  }
>()("hydracore/http/owner/CallerReads") {}

const tooMany = (kind: Kind): TooManyRequests => ({
  _tag: "TooManyRequests",
  detail: `This key or session runs ${most[kind]} ${nouns[kind]} already, which is the most at once. Wait for its end.`,
  headers: { "retry-after": retryAfter[kind] }
})

export const layer: Layer.Layer<CallerReads> = Layer.sync(CallerReads, () => {
  const running = new Map<string, number>()
  let live = 0
  const change = (name: string, by: 1 | -1) => {
    const count = (running.get(name) ?? 0) + by
    if (count === 0) running.delete(name)
    else running.set(name, count)
    if (name.startsWith("live ")) live += by
  }
  const isFull = (name: string, kind: Kind): boolean =>
    (running.get(name) ?? 0) >= most[kind] || (kind === "live" && live >= mostLive)
  return CallerReads.of({
    begin: (kind) =>
      Effect.flatMap(Caller, ({ id }) => {
        const name = `${kind} ${id}`
        const acquire = Effect.suspend(() => {
          if (isFull(name, kind)) return Effect.fail(tooMany(kind))
          change(name, 1)
          return Effect.void
        })
        return Effect.acquireRelease(acquire, () => Effect.sync(() => change(name, -1)))
      })
  })
})
