/**
 * The connections to PostgreSQL, and how its errors become ours. No statement of our own stands here.
 *
 * @module
 */
import { PgClient, PgTypes } from "@effect/sql-pg"
import {
  Cause,
  Duration,
  Effect,
  Fiber,
  identity,
  type Layer,
  Option,
  Predicate,
  Result,
  Schedule,
  type Scope
} from "effect"
import { Reactivity } from "effect/reactivity"
import { type SqlClient, SqlError } from "effect/sql"
import * as SystemErrorCode from "../core/text/SystemErrorCode.ts"
import { RecordRefused, StorageUnavailable } from "../services/Storage.ts"

/** Where the database is, and how many connections this process may hold to it. */
export interface Options
  extends Pick<PgClient.PgPoolConfig, "url" | "host" | "port" | "path" | "ssl" | "database" | "username" | "password"> {
  /** The most connections that single statements share. */
  readonly connections: number
}

/**
 * The client for single statements. It opens connections when they are needed, so that a database that is away does not
 * keep the process from starting. Each connection carries one statement at a time: a slow one holds up no other, and one
 * that hangs is cancelled and its connection replaced.
 */
export const layer = (options: Options): Layer.Layer<PgClient.PgClient | SqlClient.SqlClient, SqlError.SqlError> => {
  const { connections, ...address } = options
  return PgClient.layer({
    ...address,
    maxConnections: connections,
    connectTimeout: Duration.seconds(5),
    keepAlive: Duration.seconds(10),
    applicationName: "hydracore-edge"
  })
}

/**
 * A client with one connection of its own to the same database, for batches: they wait for no other statement, and no
 * other waits for them.
 */
export const dedicated = Effect.fnUntraced(function* (
  options?: Pick<PgClient.PgPoolConfig, "types">
): Effect.fn.Return<PgClient.PgClient, SqlError.SqlError, PgClient.PgClient | Scope.Scope> {
  const shared = yield* PgClient.PgClient
  const reactivity = yield* Reactivity.make
  return yield* PgClient.make({ ...shared.config, ...options, minConnections: 0, maxConnections: 1 }).pipe(
    Effect.provideService(Reactivity.Reactivity, reactivity)
  )
})

/** A binary array parameter of a type that PostgreSQL has an array type for. */
export const array = (values: ReadonlyArray<unknown>, elementOid: number): PgTypes.Parameter =>
  Result.getOrThrow(PgTypes.array(values, elementOid))

/** The SQLSTATE that the server gave, if the error is the server's. Each has a digit, which no system's code (`EPIPE`) has. */
export const sqlState = (error: SqlError.SqlError): Option.Option<string> => {
  const cause = error.reason.cause
  return Predicate.hasProperty(cause, "code") && Predicate.isString(cause.code)
    ? Option.liftPredicate(cause.code, (code) => /^(?=.*[0-9])[0-9A-Z]{5}$/.test(code))
    : Option.none()
}

/** A login that ended without a word of the server's: it asked for a password, and there is none to give. */
const noPassword = "28P01"

/** What the driver says of a server that was asked for TLS and has none. It gives no code, so we do: `NO_TLS`. */
const withoutTls = "The server does not support TLS"

/** What the server, or else the system, calls an error. */
const codeOf = (error: SqlError.SqlError): string | undefined =>
  Option.getOrElse(sqlState(error), () => {
    const { _tag, cause } = error.reason
    if (Predicate.isError(cause) && cause.message === withoutTls) return "NO_TLS"
    return SystemErrorCode.of(cause) ?? (_tag === "AuthenticationError" ? noPassword : undefined)
  })

/** What an error means for the one who asked. */
type Verdict = "refused" | "timeout" | "unreachable" | "broken"

/** `database is not accepting commands ... to avoid wraparound data loss`; PostgreSQL gives it no code of its own. */
const isWraparound = ({ reason: { cause } }: SqlError.SqlError): boolean =>
  Predicate.isError(cause) && cause.message.includes("wraparound")

/**
 * Classes 22 (data), 23 (constraint) and 54 (a program limit, such as the depth of nested JSON) are the record's fault,
 * as is a value that cannot be written in its column's type at all. A server that stores nothing more since it has run out of
 * transaction ids says 54000 as well. 57014 and 55P03 are the server's own time-outs.
 * What is lost with a connection, a restart (57P), a full server (53), a failover (25006) or a collision of transactions
 * (40) may succeed when it is asked again; anything else (a missing table, a wrong password) will not.
 */
const judge = (error: SqlError.SqlError): Verdict => {
  const code = Option.getOrElse(sqlState(error), () => "")
  if (code === "54000" && isWraparound(error)) return "unreachable"
  if (/^(22|23|54)/.test(code)) return "refused"
  if (code === "" && error.reason.cause instanceof PgTypes.CodecError && error.message.includes("encode")) {
    return "refused"
  }
  if (code === "57014" || code === "55P03") return "timeout"
  if (error.reason._tag === "ConnectionError" || /^(08|40|53|57P|58|25006)/.test(code)) return "unreachable"
  return "broken"
}

/** Whether asking again may help. */
export const isTransient = (error: unknown): boolean => SqlError.isSqlError(error) && judge(error) === "unreachable"

/**
 * Tells what broke off as the error that it is: a restart of the database, or a lost connection. A transaction that cannot be
 * rolled back, since its connection is gone, makes defects of all that it met. `errorOf` finds the database's error in one
 * that holds it.
 */
export const recoverConnectionErrors =
  (errorOf: (met: unknown) => unknown = identity) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | SqlError.SqlError, R> =>
    Effect.catchCause(effect, (cause): Effect.Effect<never, E | SqlError.SqlError> => {
      const met = cause.reasons.map((reason) =>
        errorOf(reason._tag === "Fail" ? reason.error : reason._tag === "Die" ? reason.defect : undefined)
      )
      const error = met.find((one): one is SqlError.SqlError => isTransient(one))
      return error === undefined || Cause.hasInterrupts(cause) ? Effect.failCause(cause) : Effect.fail(error)
    })

/**
 * What the log may say of an error. The server's details and many of its messages quote the values of the statement,
 * which may be form contents: they are left out, and of a refused record all is left out but the SQLSTATE.
 */
const describe = (error: SqlError.SqlError, verdict: Verdict): Error => {
  const state = Option.match(sqlState(error), { onNone: () => "", onSome: (code) => ` (SQLSTATE ${code})` })
  if (verdict === "refused") return new Error(`The database refused the record${state}`)
  const { cause } = error.reason
  return new Error(`${error.reason._tag}${state}: ${Predicate.isError(cause) ? cause.message : error.message}`)
}

const isReadOnly = (error: SqlError.SqlError): boolean => Option.contains(sqlState(error), "25006")

const unavailableFor = (error: SqlError.SqlError, verdict: Verdict): StorageUnavailable =>
  new StorageUnavailable({
    reason: verdict === "timeout" ? "timeout" : isReadOnly(error) ? "read-only" : "unreachable",
    code: codeOf(error),
    cause: describe(error, verdict)
  })

/** What an error of a statement that only reads, or that stands alone, is to its caller. */
export const unavailable = (error: SqlError.SqlError): StorageUnavailable => unavailableFor(error, judge(error))

/** What an error of a statement that stores records is to its caller. */
export const refusedOrUnavailable = (error: SqlError.SqlError): StorageUnavailable | RecordRefused => {
  const verdict = judge(error)
  return verdict === "refused"
    ? new RecordRefused({ code: codeOf(error), cause: describe(error, verdict) })
    : unavailableFor(error, verdict)
}

const backoff = Schedule.exponential("20 millis").pipe(
  Schedule.modifyDelay(({ duration }) => Effect.succeed(Duration.min(duration, Duration.millis(500))))
)

/**
 * Runs a statement and answers within `timeout`, whatever the database does: waiting for a connection is counted, and a
 * cancellation that hangs is not waited for. A broken connection is tried again until then, so that a restart of the
 * database within the deadline costs no request.
 *
 * Use it for statements that may run twice: what reads, and what writes the same thing again.
 */
export const bounded =
  (timeout: Duration.Input) =>
  <A, E, R>(
    statement: Effect.Effect<A, E | SqlError.SqlError, R>
  ): Effect.Effect<A, Exclude<E, SqlError.SqlError> | StorageUnavailable, R> =>
    Effect.suspend(() => {
      let last: SqlError.SqlError | undefined
      const attempts = statement.pipe(
        Effect.tapError((error) =>
          Effect.sync(() => {
            if (SqlError.isSqlError(error)) last = error
          })
        ),
        Effect.retry({ while: isTransient, schedule: backoff }),
        Effect.mapError((error) =>
          SqlError.isSqlError(error) ? unavailable(error) : (error as Exclude<E, SqlError.SqlError>)
        )
      )
      const late = Effect.suspend(() =>
        Effect.fail(last === undefined ? new StorageUnavailable({ reason: "timeout" }) : unavailable(last))
      )
      // Nothing comes between the fork and the promise to end it.
      return Effect.uninterruptibleMask((restore) =>
        Effect.flatMap(Effect.forkDetach(attempts), (fiber) =>
          restore(Effect.timeoutOrElse(Fiber.join(fiber), { duration: timeout, orElse: () => late })).pipe(
            Effect.onExit(() => Effect.sync(() => fiber.interruptUnsafe()))
          )
        )
      )
    })
