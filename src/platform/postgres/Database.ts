/**
 * Connections to PostgreSQL, the bound on the time of their statements, and the mapping of errors to `Storage` errors. Holds no
 * statements.
 *
 * @module
 */
import { PgClient, PgTypes } from "@effect/sql-pg"
import {
  Cause,
  Clock,
  Context,
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
  type Schema,
  type Scope
} from "effect"
import { Reactivity } from "effect/reactivity"
import { SqlClient, type SqlConnection, SqlError } from "effect/sql"
import { decodeColumn, decodeRows } from "../runtime/Rows.ts"
import { RecordRefused, StorageUnavailable } from "../Storage.ts"
import * as SystemErrorCode from "../text/SystemErrorCode.ts"
import * as DatabaseUrl from "./DatabaseUrl.ts"
import * as Servers from "./Servers.ts"

/** The database's address, the size of the connection pool, and the bound on its statements. */
export interface Options
  extends Pick<PgClient.PgPoolConfig, "url" | "host" | "port" | "path" | "ssl" | "database" | "username" | "password"> {
  /** The size of the shared pool. */
  readonly connections: number
  /** The timeout of each statement and of each transaction, which includes the wait for a connection. Default: 10 seconds. */
  readonly timeout?: Duration.Input
}

/**
 * The client with the shared pool. Connections open on demand, so that the process can start while the database is down. Each
 * connection runs one statement at a time, so that a slow statement delays no other; the connection of a hanging statement is
 * replaced.
 */
export const layer = (options: Options): Layer.Layer<PgClient.PgClient | SqlClient.SqlClient, SqlError.SqlError> =>
  PgClient.layerFrom(Effect.flatMap(configOf(options), make))

/** The settings of a client of ours. */
interface ClientConfig extends PgClient.PgPoolConfig {
  readonly timeout?: Duration.Input | undefined
  /** Whether statements are bounded and tried again. Default: true. */
  readonly isBounded?: boolean
}

const configOf = (options: Options): Effect.Effect<ClientConfig> => {
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
  return Result.isSuccess(url) && DatabaseUrl.fault(url.success) === null && DatabaseUrl.isRouted(url.success)
    ? url.success
    : undefined
}

/**
 * A client with its own connections, by default one, so that its statements and those of the shared pool do not wait for each
 * other. The connections go to the same database, or to the one at `url`. Its timeout is that of the shared pool, or `timeout`.
 * The client of a `GroupCommit`, which cancels batches at their deadline and tries them again itself, is not bounded.
 */
export const dedicated = Effect.fnUntraced(function* (
  options?: Pick<ClientConfig, "types" | "maxConnections" | "preparedStatementCacheSize" | "timeout" | "isBounded"> & {
    readonly url?: Options["url"]
  }
): Effect.fn.Return<PgClient.PgClient, SqlError.SqlError, PgClient.PgClient | Scope.Scope> {
  const shared: ClientConfig = (yield* PgClient.PgClient).config
  const reactivity = yield* Reactivity.make
  const { url, ...own } = options ?? {}
  const config = url === undefined ? shared : { timeout: shared.timeout, ...(yield* configOf({ url, connections: 1 })) }
  return yield* make({ ...config, maxConnections: 1, ...own, minConnections: 0 }).pipe(
    Effect.provideService(Reactivity.Reactivity, reactivity)
  )
})

/** A process's connections for the reads of owners, so that no list or export delays a visitor's request. */
export class OwnerConnections extends Context.Service<OwnerConnections, PgClient.PgClient>()(
  "hydracore/platform/postgres/OwnerConnections"
) {}

/** The maximum number of connections for the reads of owners. They open on demand. */
const maxOwnerConnections = 2

export const layerOwner: Layer.Layer<OwnerConnections, SqlError.SqlError, PgClient.PgClient> = Layer.effect(
  OwnerConnections,
  dedicated({ maxConnections: maxOwnerConnections })
)

/** A binary array parameter of a type that PostgreSQL has an array type for. */
export const array = (values: ReadonlyArray<unknown>, elementOid: number): PgTypes.Parameter =>
  Result.getOrThrow(PgTypes.array(values, elementOid))

const arrayOf = (elementOid: number) => (values: ReadonlyArray<unknown>) => array(values, elementOid)

/** A parameter of the type `uuid[]`. */
export const uuids = arrayOf(PgTypes.OID.uuid)
/** A parameter of the type `text[]`. */
export const texts = arrayOf(PgTypes.OID.text)
/** A parameter of the type `timestamptz[]`. */
export const timestamps = arrayOf(PgTypes.OID.timestamptz)
/** A parameter of the type `date[]`. */
export const dates = arrayOf(PgTypes.OID.date)
/** A parameter of the type `int4[]`. */
export const int4s = arrayOf(PgTypes.OID.int4)
/** A parameter of the type `bytea[]`. */
export const byteas = arrayOf(PgTypes.OID.bytea)

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
  if (error.reason._tag === "StatementTimeoutError") return "timeout"
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
    if (error.reason.cause instanceof PgTypes.CodecError || judge(error) === "timeout") return false
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
  // Without a message: the error of a host with several addresses, none of which answers. It has a code.
  const message = Predicate.isError(cause) ? cause.message || codeOf(error) : error.message
  return new Error(`${error.reason._tag}${state}: ${message ?? error.message}`)
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

/** Maps the errors of statements that store no record. */
export const mapErrors = <A, E, R>(
  effect: Effect.Effect<A, E | SqlError.SqlError, R>
): Effect.Effect<A, Exclude<E, SqlError.SqlError> | StorageUnavailable, R> =>
  Effect.mapError(effect, (error) =>
    SqlError.isSqlError(error) ? unavailable(error) : (error as Exclude<E, SqlError.SqlError>)
  )

/** Maps the errors of a statement that stores no record, and decodes its rows. */
export const read = <A, RD>(schema: Schema.ConstraintDecoder<A, RD>) => {
  const decode = decodeRows(schema)
  return <E, R>(query: Effect.Effect<unknown, E | SqlError.SqlError, R>) => decode(mapErrors(query))
}

/** The same for a statement with one column. */
export const readColumn = <A, RD>(schema: Schema.ConstraintDecoder<A, RD>) => {
  const decode = decodeColumn(schema)
  return <E, R>(query: Effect.Effect<ReadonlyArray<object>, E | SqlError.SqlError, R>) => decode(mapErrors(query))
}

/** The caller's error for a statement that stores records. */
export const refusedOrUnavailable = (error: SqlError.SqlError): StorageUnavailable | RecordRefused => {
  const verdict = judge(error)
  return verdict === "refused"
    ? new RecordRefused({ code: codeOf(error), cause: describe(error, verdict) })
    : unavailableFor(error, verdict)
}

const backoff = Schedule.min([Schedule.exponential("20 millis"), Schedule.spaced("500 millis")])

/** When a statement that begins at `now` must have ended, both in milliseconds of the monotonic clock. */
type Limit = (now: number) => number

/** The limit of a fiber's statements, in place of their client's timeout. */
const CurrentLimit = Context.Reference<Limit | undefined>("hydracore/platform/postgres/Database/CurrentLimit", {
  defaultValue: () => undefined
})

/** Whether the server recognizes a repeated statement of a fiber. */
const IsRepeatable = Context.Reference<boolean>("hydracore/platform/postgres/Database/IsRepeatable", {
  defaultValue: () => false
})

const monotonicMillis = (clock: Clock.Clock): number => Number(clock.monotonicTimeNanosUnsafe()) / 1e6

/** The limit of statements that may each take `timeout`. */
const limitOf = (timeout: Duration.Input): Limit => {
  const millis = Duration.toMillis(Duration.fromInputUnsafe(timeout))
  return (now) => now + millis
}

/** Each statement and each transaction in `effect` may take `timeout`, instead of its client's timeout. */
export const withTimeout = (timeout: Duration.Input) => Effect.provideService(CurrentLimit, limitOf(timeout))

/** All statements in `effect` together may take `timeout`; those that run at its end fail. */
export const withDeadline =
  (timeout: Duration.Input) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.withFiber((fiber) => {
      const deadline = limitOf(timeout)(monotonicMillis(fiber.getRef(Clock.Clock)))
      return Effect.provideService(effect, CurrentLimit, () => deadline)
    })

/**
 * The statements and transactions in `effect` have an id by which the server recognizes a repetition, so they are tried again
 * even if it is unknown whether they were committed.
 */
export const repeatable = Effect.provideService(IsRepeatable, true)

/** An attempt at a statement or a transaction. */
interface Attempt {
  /** Whether it may have changed something, if it fails now without an answer of the server. */
  mayHaveWritten: boolean
}

/** The first word of a statement that only reads. Such a statement also contains no word of `writes`. */
const reads = /^\s*(SELECT|WITH|VALUES|SHOW|EXPLAIN)\b/i

const writes =
  /\b(INSERT|UPDATE|DELETE|MERGE|CALL|LOCK|INTO|nextval|setval|set_config|pg_notify|lo_\w+|pg_\w*(lock|cancel|terminate)\w*)\b/i

/** Whether a statement surely changes nothing, so that it may run twice. Exported for tests. */
export const isRead = (statement: string): boolean => reads.test(statement) && !writes.test(statement)

/**
 * Whether the server rolled the statement back. After other errors, as after 40003 of a pooler, it is unknown whether it was
 * committed.
 */
const wasRolledBack = (error: unknown): boolean =>
  SqlError.isSqlError(error) && Option.exists(sqlState(error), (code) => /^(40(?!003)|53|58|25006)/.test(code))

/** Notes which statements a connection is given. */
class NotingConnection implements SqlConnection.Connection {
  private readonly connection: SqlConnection.Connection
  private readonly attempt: Attempt

  constructor(connection: SqlConnection.Connection, attempt: Attempt) {
    this.connection = connection
    this.attempt = attempt
  }

  private note(statement: string): SqlConnection.Connection {
    this.attempt.mayHaveWritten = !isRead(statement)
    return this.connection
  }

  execute(...input: Parameters<SqlConnection.Connection["execute"]>) {
    return this.note(input[0]).execute(...input)
  }
  executeRaw(...input: Parameters<SqlConnection.Connection["executeRaw"]>) {
    return this.note(input[0]).executeRaw(...input)
  }
  executeStream(...input: Parameters<SqlConnection.Connection["executeStream"]>) {
    return this.note(input[0]).executeStream(...input)
  }
  executeValues(...input: Parameters<SqlConnection.Connection["executeValues"]>) {
    return this.note(input[0]).executeValues(...input)
  }
  executeValuesUnprepared(...input: Parameters<SqlConnection.Connection["executeValuesUnprepared"]>) {
    return this.note(input[0]).executeValuesUnprepared(...input)
  }
  executeUnprepared(...input: Parameters<SqlConnection.Connection["executeUnprepared"]>) {
    return this.note(input[0]).executeUnprepared(...input)
  }
}

const timedOut = new SqlError.SqlError({
  reason: new SqlError.StatementTimeoutError({
    cause: new Error("The database did not answer in time"),
    message: "The database did not answer in time"
  })
})

/**
 * Bounds attempts by the limit of the fiber, or else by `timeout`; the wait for a connection counts. At the deadline the attempt
 * is cancelled in `scope`; the caller does not wait for the cancellation. Exported for tests.
 *
 * Until the deadline, an attempt that fails because the database is away is followed by another, so that no request fails if the
 * database restarts in time. An attempt that may have been committed is not, unless it is repeatable.
 */
export const bounded =
  (scope: Scope.Scope, timeout: Duration.Input) =>
  <A, E, R>(
    run: (attempt: Attempt) => Effect.Effect<A, E | SqlError.SqlError, R>
  ): Effect.Effect<A, E | SqlError.SqlError, R> =>
    Effect.withFiber((fiber) => {
      const now = monotonicMillis(fiber.getRef(Clock.Clock))
      const left = (fiber.getRef(CurrentLimit) ?? limitOf(timeout))(now) - now
      const isRepeatable = fiber.getRef(IsRepeatable)
      // Without a deadline, the retries might never end.
      const mayRetry = Number.isFinite(left)
      let lastError: SqlError.SqlError | undefined
      const attempts = Effect.suspend(() => {
        const attempt: Attempt = { mayHaveWritten: false }
        return Effect.mapError(run(attempt), (error) => {
          if (SqlError.isSqlError(error)) lastError = error
          return { error, mayRetry: mayRetry && (isRepeatable || !attempt.mayHaveWritten || wasRolledBack(error)) }
        })
      }).pipe(
        Effect.retry({
          while: ({ error, mayRetry }) => mayRetry && isTransient(error),
          schedule: backoff
        }),
        Effect.mapError(({ error }) => error)
      )
      const orElse = () => Effect.fail(lastError ?? timedOut)
      // Uninterruptible from the fork until the finalizer is in place.
      return Effect.uninterruptibleMask((restore) =>
        Effect.flatMap(Effect.forkIn(attempts, scope), (attempting) => {
          const ended = Fiber.join(attempting)
          return restore(
            Number.isFinite(left) ? Effect.timeoutOrElse(ended, { duration: Math.max(0, left), orElse }) : ended
          ).pipe(Effect.onExit(() => Effect.sync(() => attempting.interruptUnsafe())))
        })
      )
    })

/** A client whose statements and transactions are `bounded`. Statements in a transaction are bounded with it. */
const make = Effect.fnUntraced(function* (
  config: ClientConfig
): Effect.fn.Return<PgClient.PgClient, SqlError.SqlError, Scope.Scope | Reactivity.Reactivity> {
  const client = yield* PgClient.make(config)
  if (config.isBounded === false) return client
  const bound = bounded(yield* Effect.scope, config.timeout ?? "10 seconds")
  const outer = yield* SqlClient.make({
    driver: "@effect/sql-pg",
    acquirer: client.reserve,
    borrower: (use) =>
      bound((attempt) =>
        Effect.scoped(Effect.flatMap(client.reserve, (connection) => use(new NotingConnection(connection, attempt))))
      ),
    compiler: PgClient.makeCompiler(),
    transactionService: client.transactionService,
    spanAttributes: [["db.system.name", "postgresql"]]
  })
  const withTransaction: SqlClient.SqlClient["withTransaction"] = (effect) =>
    Effect.withFiber((fiber) => {
      if (Context.getOrUndefined(fiber.context, client.transactionService) !== undefined) {
        return client.withTransaction(effect)
      }
      const readsOnly = fiber.getRef(SqlClient.BeginTransaction)?.includes("READ ONLY") === true
      return bound((attempt) =>
        effect.pipe(
          // Before the commit, a transaction has changed nothing.
          Effect.tap(() =>
            Effect.sync(() => {
              attempt.mayHaveWritten = !readsOnly
            })
          ),
          client.withTransaction,
          recoverConnectionErrors()
        )
      )
    })
  const { config: own, json, listen, notify, afterCommit } = client
  return Object.assign(outer, {
    [PgClient.TypeId]: PgClient.TypeId as PgClient.TypeId,
    config: own,
    json,
    listen,
    notify,
    afterCommit,
    withTransaction
  }) satisfies PgClient.PgClient
})
