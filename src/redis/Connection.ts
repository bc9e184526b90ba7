/**
 * One connection to Redis, for as long as it works: it is never mended, but lost, and a new one made. So nothing is
 * queued while Redis is away, and a Redis that hangs holds no request.
 *
 * @module
 */
import { Deferred, Effect, Redacted, Result, Schema, type Scope } from "effect"
import { createClient, ErrorReply } from "redis"
import * as Certificate from "../core/doctor/Certificate.ts"
import * as SystemErrorCode from "../core/text/SystemErrorCode.ts"
import { script, scriptSha } from "./script.ts"

/**
 * Redis could not be used; `reason` is for the log, and holds no address, no password and no key. `fault` is what of
 * `REDIS_URL` it refused, if it was that: the user and the password, or the number of the database; or what is wrong with
 * its certificate, if we refused that.
 */
export class RedisAway extends Schema.TaggedError<RedisAway>()("RedisAway", {
  reason: Schema.String,
  fault: Schema.optional(Schema.Literals(["login", "database", ...Certificate.faults]))
}) {}

/** What the script says: how many requests counted, when the oldest of them was accepted, what time it is. */
const Reply = Schema.Tuple([Schema.Int, Schema.Int, Schema.Int])
type Reply = typeof Reply.Type

export interface Connection {
  /** Runs the script. A connection that does not answer in time, or with an error, is lost. */
  readonly take: (key: string, args: ReadonlyArray<string>) => Effect.Effect<Reply, RedisAway>
  /** Completes when the connection is lost. */
  readonly lost: Deferred.Deferred<never, RedisAway>
}

/**
 * Redis's own answer. Its first word names most of them; the two that a wrong `REDIS_URL` gets are both an `ERR`, and told
 * apart by what they are about. The rest of it may quote what was asked, and is left out.
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

/** What a failure may be called in a log: the code of a system's error, what Redis answered, or a class's name. */
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

/** In how many parts a wait is measured. */
const slices = 4

/**
 * Waits for an answer from the network, by the process's timer and not by Effect's clock, since the network does not
 * follow a test's. The wait is measured in parts, of which a process that was busy for long counts one only, and at its
 * end the sockets are read once more: it would otherwise take its own delay for Redis's.
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

/** How long a new connection may take at least, to open and to answer once: in the background, where no request waits. */
const leastOpenMillis = 1000

/**
 * Opens a connection and runs the script once, on a key of its own, so that a Redis that may not be written to (a
 * replica, a full memory) counts as away. The connection is closed with the scope.
 */
export const open = Effect.fnUntraced(function* (options: {
  readonly url: Redacted.Redacted
  /** How long one request waits for an answer, in milliseconds. */
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
        // Without a listener, a client's error would end the process.
        client.on("error", (error) => lose(reasonOf(error)))
        return client
      },
      catch: reasonOf
    }),
    (client) =>
      Effect.sync(() => {
        // A client that is destroyed while it connects becomes ready all the same.
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
      // A restarted or flushed Redis has forgotten the script; EVAL reminds it.
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
