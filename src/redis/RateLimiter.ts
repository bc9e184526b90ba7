/**
 * Counts requests per client in Redis, for all processes together: the exact sliding window of `core/limits/RateLimit`, by the
 * Redis server's clock.
 *
 * While Redis is away (down, hanging, refusing to write), this process counts by itself with the fallback, and says so
 * once. The first requests that meet its absence wait `timeoutMillis` at most; those after them do not ask it at all,
 * until a connection in the background has seen it answer. Each side counts only what it accepted, so that around such
 * a change a client may get up to two limits in a window, and while it lasts one limit per process.
 *
 * Redis sees a digest of a client's key, not its address. It is no secret from whoever holds the Redis: there are few
 * enough IPv4 addresses to try them all. It lives for one window.
 *
 * @module
 */
import { hash } from "node:crypto"
import { Clock, Deferred, Effect, Layer, type Redacted } from "effect"
import { decideCounted } from "../core/limits/RateLimit.ts"
import { RateLimiter } from "../services/RateLimiter.ts"
import { type Connection, open, type RedisAway } from "./Connection.ts"

const prefix = "hydracore:limit:"

/** How much longer than a window a client's list lives if the time is not Redis's own. */
const foreignTimeMillis = 3_600_000

export interface Options {
  /** `redis://[user:password@]host[:port][/database]`, or `rediss://` for TLS. */
  readonly url: Redacted.Redacted
  /** Who counts while Redis is away. */
  readonly fallback: RateLimiter["Service"]
  /** Whose clock counts: the Redis server's, or this process's (for tests, where all processes share one clock). */
  readonly time?: "redis" | "process"
  /** How long one request waits for Redis, in milliseconds: 80 if not given. */
  readonly timeoutMillis?: number
  /** How long Redis is left alone before it is tried again, in milliseconds: 500 if not given. */
  readonly retryMillis?: number
}

/**
 * The limiter that many processes share. It never fails, neither when it is built nor later. It is built when the first
 * connection stands, or has failed.
 */
export const layer = (options: Options): Layer.Layer<RateLimiter> =>
  Layer.effect(
    RateLimiter,
    Effect.gen(function* () {
      const { fallback, time = "redis", timeoutMillis = 80, retryMillis = 500, url } = options
      const clock = yield* Clock.Clock
      const tried = yield* Deferred.make<void>()
      let current: Connection | undefined
      let away = false

      const session = Effect.gen(function* () {
        const connection = yield* open({ url, timeoutMillis, probeKey: `${prefix}probe` })
        current = connection
        if (away) yield* Effect.logInfo("Redis is back: the rate limit is shared again")
        away = false
        yield* Deferred.succeed(tried, undefined)
        return yield* Deferred.await(connection.lost)
      }).pipe(Effect.scoped)

      const leave = Effect.fnUntraced(function* (error: RedisAway) {
        current = undefined
        if (!away) yield* Effect.logWarning(`Redis is away (${error.reason}): this process limits by itself meanwhile`)
        away = true
        yield* Deferred.succeed(tried, undefined)
        yield* Effect.sleep(retryMillis)
      })

      yield* session.pipe(Effect.catch(leave), Effect.forever, Effect.forkScoped)
      yield* Deferred.await(tried)

      const take: RateLimiter["Service"]["take"] = (policy, key) =>
        Effect.suspend(() => {
          const connection = current
          if (connection === undefined) return fallback.take(policy, key)
          const { limit, name, windowMillis } = policy
          const args =
            time === "redis"
              ? [`${limit}`, `${windowMillis}`, `${windowMillis}`, ""]
              : [
                  `${limit}`,
                  `${windowMillis}`,
                  `${windowMillis + foreignTimeMillis}`,
                  `${clock.currentTimeMillisUnsafe()}`
                ]
          return connection.take(`${prefix}${name}:${hash("sha256", key, "base64url")}`, args).pipe(
            Effect.map(([counted, oldest, now]) =>
              decideCounted(policy, counted, counted > 0 ? oldest : undefined, now)
            ),
            Effect.catch(() => {
              // At once, and not when the background notices: the next request must not wait for Redis too.
              if (current === connection) current = undefined
              return fallback.take(policy, key)
            })
          )
        })

      return RateLimiter.of({ take })
    })
  )
