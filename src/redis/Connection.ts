/**
 * One connection to Redis. A failed connection is never reconnected but replaced by a new one, so that nothing queues while
 * Redis is unavailable and no request waits for a hanging Redis.
 *
 * @module
 */
import { Deferred, Effect, Redacted, Result, Schema, type Scope } from "effect"
import { createClient, ErrorReply } from "redis"
import * as Certificate from "../core/doctor/Certificate.ts"
import * as SystemErrorCode from "../core/text/SystemErrorCode.ts"
import { script, scriptSha } from "./script.ts"

/**
 * Redis is unavailable. `reason` is for the log and contains no address, password or key. `fault` is set if Redis rejected
 * the login or the database number of `REDIS_URL`, or if its TLS certificate was rejected.
 */
export class RedisAway extends Schema.TaggedError<RedisAway>()("RedisAway", {
  reason: Schema.String,
  fault: Schema.optional(Schema.Literals(["login", "database", ...Certificate.faults]))
}) {}

/** The script's reply: the count, the time of the oldest counted request, and the current time. */
const Reply = Schema.Tuple([Schema.Int, Schema.Int, Schema.Int])
type Reply = typeof Reply.Type

export interface Connection {
  /** Runs the script. A connection that does not answer in time, or with an error, is lost. */
  readonly take: (key: string, args: ReadonlyArray<string>) => Effect.Effect<Reply, RedisAway>
  /** Completes when the connection is lost. */
  readonly lost: Deferred.Deferred<never, RedisAway>
}

/**
 * Maps an error reply. Its first word identifies most errors; a wrong password and a wrong database number are both `ERR`
 * and are distinguished by the message. The message may quote the command and is left out.
 */
const refusalOf = ({ message }: ErrorReply): RedisAway => {
  const word = /^[A-Z]{2,20}\b/.exec(message)?.[0] ?? "ERR"
  if (word === "NOAUTH") return new RedisAway({ reason: "NOAUTH: it wants a password", fault: "login" })
  if (word === "WRONGPASS") return new RedisAway({ reason: "WRONGPASS: it refused AUTH", fault: "login" })
  if (word === "ERR" && /\bAUTH\b|\bpassword\b/.test(message)) {
    return new RedisAway({ reason: "ERR: it refused AUTH", fault: "login" })
  }
  if (word === "ERR" && /\bDB index\b|\bSELECT\b/.test(message)) {
    return new RedisAway({ reason: "ERR: it refused SELECT, as it has no database of that number", fault: "database" })
  }
  return new RedisAway({ reason: word })
}

/** A failure as the log may show it: a system error's code, the reply's first word, or a class name. */
const reasonOf = (error: unknown): RedisAway => {
  if (error instanceof RedisAway) return error
  if (error instanceof ErrorReply) return refusalOf(error)
  if (!(error instanceof Error)) return new RedisAway({ reason: "unknown" })
  const code = SystemErrorCode.of(error)
  const fault = Certificate.faultOf(code)
  return fault === undefined
    ? new RedisAway({ reason: code ?? error.constructor.name })
    : new RedisAway({ reason: `${code}: its certificate was refused, as ${Certificate.descriptions[fault]}`, fault })
}

const decodeReply = Schema.decodeUnknownResult(Reply)

/** The number of timers that one wait is split into. */
const slices = 4

/**
 * Waits for a network reply by Node's timers, since the network does not follow the TestClock. The wait is a chain of
 * shorter timers, so that a blocked event loop uses up only one of them, and ends after one more poll of the sockets: this
 * process's own delay must not count as a Redis timeout.
 */
const answered = <A>(millis: number, ask: () => Promise<A>): Effect.Effect<A, RedisAway> =>
  Effect.callback((resume) => {
    let timer: NodeJS.Timeout | undefined
    let last: NodeJS.Immediate | undefined
    const wait = (left: number) => {
      timer = setTimeout(() => {
        if (left > 1) return wait(left - 1)
        last = setImmediate(() => resume(Effect.fail(new RedisAway({ reason: "no answer in time" }))))
      }, millis / slices)
    }
    const stop = () => {
      clearTimeout(timer)
      clearImmediate(last)
    }
    const settle = (result: Effect.Effect<A, RedisAway>) => {
      stop()
      resume(result)
    }
    const failed = (error: unknown) => settle(Effect.fail(reasonOf(error)))
    wait(slices)
    try {
      ask().then((answer) => settle(Effect.succeed(answer)), failed)
    } catch (error) {
      failed(error)
    }
    return Effect.sync(stop)
  })

/** The least timeout for opening a connection and its first reply: no request waits for them. */
const leastOpenMillis = 1000

/**
 * Opens a connection and runs the script once on `probeKey`, so that a Redis that rejects writes (a replica, out of memory)
 * counts as unavailable. The connection closes with the scope.
 */
export const open = Effect.fnUntraced(function* (options: {
  readonly url: Redacted.Redacted
  /** How long one request waits for a reply, in milliseconds. */
  readonly timeoutMillis: number
  readonly probeKey: string
}): Effect.fn.Return<Connection, RedisAway, Scope.Scope> {
  const openMillis = Math.max(leastOpenMillis, options.timeoutMillis)
  const lost = yield* Deferred.make<never, RedisAway>()
  const lose = (error: RedisAway) => Deferred.doneUnsafe(lost, Effect.fail(error))

  const client = yield* Effect.acquireRelease(
    Effect.try({
      try: () => {
        const client = createClient({
          url: Redacted.value(options.url),
          RESP: 2,
          disableOfflineQueue: true,
          disableClientInfo: true,
          maintNotifications: "disabled",
          socket: { reconnectStrategy: false, connectTimeout: openMillis }
        })
        // Without a listener, an `error` event would end the process.
        client.on("error", (error) => lose(reasonOf(error)))
        return client
      },
      catch: reasonOf
    }),
    (client) =>
      Effect.sync(() => {
        // A client destroyed while connecting still becomes ready.
        client.once("ready", () => client.destroy())
        client.destroy()
      })
  )
  yield* answered(2 * openMillis, () => client.connect())

  const run = async (key: string, args: ReadonlyArray<string>): Promise<unknown> => {
    const call = { keys: [key], arguments: [...args] }
    try {
      return await client.evalSha(scriptSha, call)
    } catch (error) {
      // A restarted or flushed Redis no longer caches the script; EVAL loads it again.
      if (error instanceof ErrorReply && error.message.startsWith("NOSCRIPT")) return await client.eval(script, call)
      throw error
    }
  }

  const takeWithin = (millis: number, key: string, args: ReadonlyArray<string>) =>
    answered(millis, () => run(key, args)).pipe(
      Effect.flatMap((reply) =>
        Result.match(decodeReply(reply), {
          onSuccess: Effect.succeed,
          onFailure: () => Effect.fail(new RedisAway({ reason: "an answer that is none" }))
        })
      ),
      Effect.tapError((error) => Effect.sync(() => lose(error)))
    )

  yield* takeWithin(openMillis, options.probeKey, ["1", "1", "1", ""])
  return { take: (key, args) => takeWithin(options.timeoutMillis, key, args), lost }
})
