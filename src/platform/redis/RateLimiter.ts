/**
 * Rate-limits clients in Redis, across processes: the exact sliding window of `platform/limits/RateLimit`, by the Redis server's
 * clock.
 *
 * While Redis is unavailable (down, hanging, rejecting writes), this process uses the fallback, logs that once, and sets the
 * gauge `hydracore_limiter_away`. The first affected requests wait up to `timeoutMillis`; later ones use the fallback at once,
 * until a background connection succeeds. A cluster is available if all of its masters are. Redis and the fallback do not share
 * counts: in a window in which this process changes from one to the other, a client may get up to twice its limit, and during the
 * outage it gets its limit from each process.
 *
 * For one window, Redis stores a digest of a client's key, not the client's address. This does not hide the address from the
 * operator of Redis, who can hash all IPv4 addresses.
 *
 * @module
 */
import { hash } from "node:crypto"
import { Clock, Deferred, Effect, Layer, type Redacted, type Scope } from "effect"
import { networkKey } from "../limits/ClientAddress.ts"
import { type Counted, decide, RateLimiter, type RateLimitPolicy } from "../limits/RateLimit.ts"
import * as Metrics from "../telemetry/Metrics.ts"
import { RedisUnavailable } from "./Clients.ts"
import { type Connection, open, type RedisTopology } from "./Connection.ts"

const prefix = "hydracore:limit:"

/** If times are by this process's clock, Redis keeps them for this many milliseconds longer than the window. */
const extraLifetimeMillis = 3_600_000

export interface Options {
  /** See `platform/redis/RedisUrl`. */
  readonly url: Redacted.Redacted
  /** Used while Redis is unavailable. */
  readonly fallback: RateLimiter["Service"]
  /** The clock: the Redis server's (default), or this process's (for tests, where all processes share one clock). */
  readonly time?: "redis" | "process"
  /** How long one request waits for Redis, in milliseconds. Default: 80. */
  readonly timeoutMillis?: number
  /** How long to wait before reconnecting, in milliseconds. Default: 500. */
  readonly retryMillis?: number
}

/** Whether the limits are shared, or why this process applies them alone. */
export type State =
  | { readonly _tag: "Shared"; readonly topology: RedisTopology }
  | { readonly _tag: "Alone"; readonly error: RedisUnavailable }

export interface SharedLimiter {
  readonly take: RateLimiter["Service"]["take"]
  readonly state: Effect.Effect<State>
}

const digest = (key: string): string => hash("sha256", key, "base64url")

/** The keys of a client and of its network. Their common hash tag, in braces, puts them on one node of a cluster. */
const keysOf = ({ name }: RateLimitPolicy, key: string, network: string | undefined): ReadonlyArray<string> => {
  if (network === undefined) return [`${prefix}${name}:${digest(key)}`]
  const ofNetwork = `${prefix}${name}:{${digest(network)}}`
  return [`${ofNetwork}:${digest(key)}`, ofNetwork]
}

/** What the script counted in a list. */
const counted = (count: number, oldest: number): Counted => ({ count, oldest: count > 0 ? oldest : undefined })

/** Makes the limiter. It never fails: it completes once the first connection has succeeded or failed. */
export const make = Effect.fnUntraced(function* (
  options: Options
): Effect.fn.Return<SharedLimiter, never, Scope.Scope> {
  const { fallback, time = "redis", timeoutMillis = 80, retryMillis = 500, url } = options
  const clock = yield* Clock.Clock
  const context = yield* Effect.context<never>()
  const tried = yield* Deferred.make<void>()
  const gauge = Metrics.limiterAway({})
  let current: Connection | undefined
  let knownNodes: Connection["nodes"] = []
  let error = new RedisUnavailable({ reason: "not connected yet" })
  let isUnavailable = false

  const setUnavailable = (value: boolean) => {
    isUnavailable = value
    gauge.updateUnsafe(value ? 1 : 0, context)
  }
  setUnavailable(false)

  const session = Effect.gen(function* () {
    const connection = yield* open({ url, known: knownNodes, timeoutMillis, probeKey: `${prefix}probe` })
    current = connection
    knownNodes = connection.nodes
    if (isUnavailable) yield* Effect.logInfo("Redis is back: the rate limit is shared again")
    setUnavailable(false)
    yield* Deferred.succeed(tried, undefined)
    return yield* Deferred.await(connection.lost)
  }).pipe(Effect.scoped)

  const onDisconnect = Effect.fnUntraced(function* (cause: RedisUnavailable) {
    current = undefined
    error = cause
    if (!isUnavailable)
      yield* Effect.logWarning(
        `Redis cannot be used (${cause.reason}). Until it can, this process applies the rate limits alone.`
      )
    setUnavailable(true)
    yield* Deferred.succeed(tried, undefined)
    yield* Effect.sleep(retryMillis)
  })

  yield* session.pipe(
    Effect.catch(onDisconnect),
    Effect.catchCause((cause) =>
      Effect.andThen(
        Effect.logWarning("A connection to Redis failed because of an internal error; reconnecting", cause),
        onDisconnect(new RedisUnavailable({ reason: "an internal error" }))
      )
    ),
    Effect.forever,
    Effect.forkScoped
  )
  yield* Deferred.await(tried)

  const take: RateLimiter["Service"]["take"] = (policy, key) =>
    Effect.suspend(() => {
      const connection = current
      if (connection === undefined) return fallback.take(policy, key)
      const { limit, networkLimit, windowMillis } = policy
      const network = networkLimit === undefined ? undefined : networkKey(key)
      const times =
        time === "redis"
          ? [`${windowMillis}`, `${windowMillis}`, ""]
          : [`${windowMillis}`, `${windowMillis + extraLifetimeMillis}`, `${clock.currentTimeMillisUnsafe()}`]
      const limits = network === undefined ? [`${limit}`] : [`${limit}`, `${networkLimit}`]
      return connection.take(keysOf(policy, key, network), [...times, ...limits]).pipe(
        Effect.map(([now, count, oldest, networkCount, networkOldest = 0]) => {
          const ofNetwork = networkCount === undefined ? undefined : counted(networkCount, networkOldest)
          return decide(policy, counted(count, oldest), ofNetwork, now)
        }),
        Effect.catch((cause) => {
          // The background fiber disconnects later; until then, each request would wait for Redis.
          if (current === connection) {
            current = undefined
            error = cause
          }
          return fallback.take(policy, key)
        })
      )
    })

  const state = Effect.sync(
    (): State => (current === undefined ? { _tag: "Alone", error } : { _tag: "Shared", topology: current.topology })
  )
  return { take, state }
})

/** The rate limiter that several processes share. Building it never fails. */
export const layer = (options: Options): Layer.Layer<RateLimiter> =>
  Layer.effect(
    RateLimiter,
    Effect.map(make(options), ({ take }) => RateLimiter.of({ take }))
  )
