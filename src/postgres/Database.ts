/**
 * Connections to PostgreSQL, and the mapping of its errors to `Storage` errors. Holds no statements.
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
  Layer,
  Option,
  Predicate,
  Redacted,
  Result,
  Schedule,
  type Scope
} from "effect"
import { Reactivity } from "effect/reactivity"
import { type SqlClient, SqlError } from "effect/sql"
import * as DatabaseHosts from "../core/doctor/DatabaseHosts.ts"
import * as DatabaseUrl from "../core/doctor/DatabaseUrl.ts"
import * as SystemErrorCode from "../core/text/SystemErrorCode.ts"
import { RecordRefused, StorageUnavailable } from "../services/Storage.ts"
import * as Servers from "./Servers.ts"

/** The database's address, and the size of the connection pool. */
export interface Options
  extends Pick<PgClient.PgPoolConfig, "url" | "host" | "port" | "path" | "ssl" | "database" | "username" | "password"> {
  /** The size of the shared pool. */
  readonly connections: number
}

/**
 * The client with the shared pool. Connections open on demand, so that the process can start while the database is down. Each
 * connection runs one statement at a time, so that a slow statement delays no other; the connection of a hanging statement is
 * replaced.
 */
export const layer = (options: Options): Layer.Layer<PgClient.PgClient | SqlClient.SqlClient, SqlError.SqlError> =>
  Layer.unwrap(Effect.map(configOf(options), PgClient.layer))

const configOf = (options: Options): Effect.Effect<PgClient.PgPoolConfig> => {
  const { connections, ...address } = options
  const common = {
    maxConnections: connections,
    connectTimeout: Duration.seconds(5),
    keepAlive: Duration.seconds(10),
    applicationName: "hydracore-edge"
  }
  const url = routedUrl(address.url)
  return url === undefined
    ? Effect.succeed({ ...address, ...common })
    : Effect.map(Servers.route(url), (routed) => ({ ...routed, ...common }))
}

/** The URL, if each new connection must find its server first. */
const routedUrl = (text: Options["url"]): URL | undefined => {
  const url = text === undefined ? Result.fail("") : DatabaseUrl.parse(Redacted.value(text))
  return Result.isSuccess(url) && DatabaseUrl.fault(url.success) === null && DatabaseHosts.isRouted(url.success)
    ? url.success
    : undefined
}

/**
 * A client with its own connections, by default one, so that its statements and those of the shared pool do not wait for each
 * other. The connections go to the same database, or to the one at `url`.
 */
export const dedicated = Effect.fnUntraced(function* (
  options?: Pick<PgClient.PgPoolConfig, "types" | "maxConnections" | "preparedStatementCacheSize"> & {
    readonly url?: Options["url"]
  }
): Effect.fn.Return<PgClient.PgClient, SqlError.SqlError, PgClient.PgClient | Scope.Scope> {
  const shared = yield* PgClient.PgClient
  const reactivity = yield* Reactivity.make
  const { url, ...own } = options ?? {}
  const config = url === undefined ? shared.config : yield* configOf({ url, connections: 1 })
  return yield* PgClient.make({ ...config, maxConnections: 1, ...own, minConnections: 0 }).pipe(
    Effect.provideService(Reactivity.Reactivity, reactivity)
  )
})

/** A binary array parameter of a type that PostgreSQL has an array type for. */
export const array = (values: ReadonlyArray<unknown>, elementOid: number): PgTypes.Parameter =>
  Result.getOrThrow(PgTypes.array(values, elementOid))

/** The SQLSTATE of an error of the server. Every SQLSTATE contains a digit, unlike system error codes such as `EPIPE`. */
export const sqlState = (error: SqlError.SqlError): Option.Option<string> => {
  const cause = error.reason.cause
  return Predicate.hasProperty(cause, "code") && Predicate.isString(cause.code)
    ? Option.liftPredicate(cause.code, (code) => /^(?=.*[0-9])[0-9A-Z]{5}$/.test(code))
    : Option.none()
}

/** The code for a login that failed without a server error: the server requested a password, and none is configured. */
const noPassword = "28P01"

/** The driver's message if the server does not support TLS. It has no code; `codeOf` returns `NO_TLS`. */
const withoutTls = "The server does not support TLS"

/** The error's SQLSTATE; or else its system error code, or a code for an error that the driver found. */
const codeOf = (error: SqlError.SqlError): string | undefined =>
  Option.getOrElse(sqlState(error), () => {
    const { _tag, cause } = error.reason
    if (Predicate.isError(cause) && cause.message === withoutTls) return "NO_TLS"
    return SystemErrorCode.of(cause) ?? (_tag === "AuthenticationError" ? noPassword : undefined)
  })

/** What an error means for the caller. */
type Verdict = "refused" | "timeout" | "unreachable" | "broken"

/** `database is not accepting commands ... to avoid wraparound data loss`, which has no SQLSTATE of its own. */
const isWraparound = ({ reason: { cause } }: SqlError.SqlError): boolean =>
  Predicate.isError(cause) && cause.message.includes("wraparound")

/**
 * Classes 22 (data), 23 (constraint) and 54 (a program limit, such as the depth of nested JSON) are the record's fault, as is
 * a value that cannot be encoded in its column's type. A server that has run out of transaction ids also reports 54000; that
 * is not the record's fault. 57014 and 55P03 are server timeouts. A lost connection (08), a restart (57P), insufficient
 * resources (53), an I/O error (58), a failover (25006) and a transaction conflict (40) are transient; anything else (a missing
 * table, a wrong password) is not.
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

/**
 * Whether the database as a whole is the reason of an error, and not the rows that a statement read or wrote. The classes of
 * errors of single rows: 0A, 21, 22, 23, 40, 54, 55, P0, XX, and a statement's timeout (57014).
 */
export const isOutage = (error: unknown): boolean => {
  const isOfRows = (code: string | undefined) => /^(0A|21|22|23|40|54|55|57014|P0|XX)/.test(code ?? "")
  if (SqlError.isSqlError(error)) {
    if (error.reason.cause instanceof PgTypes.CodecError) return false
    return !isOfRows(Option.getOrUndefined(sqlState(error))) || isWraparound(error)
  }
  return error instanceof StorageUnavailable && error.reason !== "timeout" && !isOfRows(error.code)
}

/** Whether a retry may succeed. */
export const isTransient = (error: unknown): boolean => SqlError.isSqlError(error) && judge(error) === "unreachable"

/**
 * Fails with the error of a database restart or a lost connection, even if it is a defect: the SQL client turns every error
 * into a defect if a transaction cannot be rolled back because its connection is gone. `errorOf` returns the database's error
 * from an error that contains it.
 */
export const recoverConnectionErrors =
  (errorOf: (failure: unknown) => unknown = identity) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | SqlError.SqlError, R> =>
    Effect.catchCause(effect, (cause): Effect.Effect<never, E | SqlError.SqlError> => {
      const errors = cause.reasons.map((reason) =>
        errorOf(reason._tag === "Fail" ? reason.error : reason._tag === "Die" ? reason.defect : undefined)
      )
      const error = errors.find((one): one is SqlError.SqlError => isTransient(one))
      return error === undefined || Cause.hasInterrupts(cause) ? Effect.failCause(cause) : Effect.fail(error)
    })

/**
 * An error as the log may show it. The server's details and many of its messages quote the statement's values, which may be
 * form contents: the details are left out, and for a refused record everything but the SQLSTATE.
 */
export const describe = (error: SqlError.SqlError, verdict: Verdict = judge(error)): Error => {
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

/** The caller's error for a statement that stores no record. */
export const unavailable = (error: SqlError.SqlError): StorageUnavailable => unavailableFor(error, judge(error))

/** Maps the errors of statements that store no record, like `bounded`, without its timeout and its retries. */
export const mapErrors = <A, E, R>(
  effect: Effect.Effect<A, E | SqlError.SqlError, R>
): Effect.Effect<A, Exclude<E, SqlError.SqlError> | StorageUnavailable, R> =>
  Effect.mapError(effect, (error) =>
    SqlError.isSqlError(error) ? unavailable(error) : (error as Exclude<E, SqlError.SqlError>)
  )

/** The caller's error for a statement that stores records. */
export const refusedOrUnavailable = (error: SqlError.SqlError): StorageUnavailable | RecordRefused => {
  const verdict = judge(error)
  return verdict === "refused"
    ? new RecordRefused({ code: codeOf(error), cause: describe(error, verdict) })
    : unavailableFor(error, verdict)
}

const backoff = Schedule.min([Schedule.exponential("20 millis"), Schedule.spaced("500 millis")])

/**
 * Bounds a statement by `timeout`, which includes the wait for a connection. Until the deadline, transient errors are
 * retried, so that no request fails if the database restarts in time. At the deadline the statement is cancelled; the caller
 * does not wait for the cancellation.
 *
 * Use it for idempotent statements only: they may run twice.
 */
export const bounded =
  (timeout: Duration.Input) =>
  <A, E, R>(
    statement: Effect.Effect<A, E | SqlError.SqlError, R>
  ): Effect.Effect<A, Exclude<E, SqlError.SqlError> | StorageUnavailable, R> =>
    Effect.suspend(() => {
      let lastError: SqlError.SqlError | undefined
      const attempts = statement.pipe(
        Effect.tapError((error) =>
          Effect.sync(() => {
            if (SqlError.isSqlError(error)) lastError = error
          })
        ),
        Effect.retry({ while: isTransient, schedule: backoff }),
        mapErrors
      )
      const timedOut = Effect.suspend(() =>
        Effect.fail(lastError === undefined ? new StorageUnavailable({ reason: "timeout" }) : unavailable(lastError))
      )
      // Uninterruptible from the fork until the finalizer is in place.
      return Effect.uninterruptibleMask((restore) =>
        Effect.flatMap(Effect.forkDetach(attempts), (fiber) =>
          restore(Effect.timeoutOrElse(Fiber.join(fiber), { duration: timeout, orElse: () => timedOut })).pipe(
            Effect.onExit(() => Effect.sync(() => fiber.interruptUnsafe()))
          )
        )
      )
    })
