/**
 * Finds the server of each new connection, if the database's URL names several servers or requires a kind of server
 * (`target_session_attrs`). The driver accepts one host, so this module opens the socket in the driver's place.
 *
 * Before a connection is opened, all servers are queried at once over short connections; the first suitable server that answers
 * is used. Connections that are opened at the same time share the search. After a failover the connections to the old primary are
 * lost, statements are tried again until their deadline (`Database.bounded`), and new connections find the new primary.
 *
 * @module
 */
import { connect, isIP, type Socket } from "node:net"
import { PgConnection } from "@effect/sql-pg"
import type { PgPoolConfig } from "@effect/sql-pg/PgClient"
import { Duration, Effect, Option, Predicate, Redacted, Result, Schema } from "effect"
import type { SqlError } from "effect/sql"
import * as DatabaseUrl from "./DatabaseUrl.ts"
import * as Lookup from "./Lookup.ts"

/** The time limit of a query to one server, below the driver's time limit for a connection. */
const queryTimeout = Duration.seconds(2)

/** How long connections share the result of a search. */
const sharedFor = Duration.millis(250)

const keepAliveMillis = 10_000

const States = Schema.Tuple([Schema.Struct({ is_standby: Schema.Boolean, is_read_only: Schema.Boolean })])

/** Queries one server. */
const stateOf = (url: URL, host: DatabaseUrl.DatabaseHost): Effect.Effect<DatabaseUrl.ServerState, SqlError.SqlError> =>
  PgConnection.make({
    url: Redacted.make(DatabaseUrl.urlOfHost(url, host).href),
    connectTimeout: queryTimeout,
    applicationName: "hydracore-edge-search"
  }).pipe(
    Effect.flatMap((connection) =>
      connection.query(
        "SELECT pg_is_in_recovery() AS is_standby, current_setting('transaction_read_only') = 'on' AS is_read_only",
        []
      )
    ),
    Effect.flatMap(({ rows }) => Effect.orDie(Schema.decodeUnknownEffect(States)(rows))),
    Effect.map(([state]) => ({ isStandby: state.is_standby, isReadOnly: state.is_read_only })),
    Effect.scoped
  )

/** The SQLSTATE of a statement that fails because it writes on a standby. */
const readOnlySqlState = "25006"

/** Why no server is suitable, as an error that `Database` maps by its code, if it has one. */
const whyNone = (
  attribute: DatabaseUrl.Attribute,
  anyAnswered: boolean,
  errors: ReadonlyArray<SqlError.SqlError>
): Error => {
  if (anyAnswered) {
    const error = new Error(`No server in the database's URL is ${attribute}`)
    return attribute === "read-write" || attribute === "primary"
      ? Object.assign(error, { code: readOnlySqlState })
      : error
  }
  const reported = errors.find(({ reason }) => reason._tag !== "ConnectionError") ?? errors[0]
  const cause = reported?.reason.cause
  return Predicate.isError(cause) ? cause : new Error("No server in the database's URL answered in time")
}

/** Finds the first suitable server that answers; with `prefer-standby`, any server that answered if no standby did. */
const search = (
  url: URL,
  hosts: ReadonlyArray<DatabaseUrl.DatabaseHost>,
  attribute: DatabaseUrl.Attribute
): Effect.Effect<Result.Result<DatabaseUrl.DatabaseHost, Error>> =>
  Effect.suspend(() => {
    const answered: Array<DatabaseUrl.DatabaseHost> = []
    const errors: Array<SqlError.SqlError> = []
    const suitable = (host: DatabaseUrl.DatabaseHost) =>
      stateOf(url, host).pipe(
        Effect.timeoutOrElse({ duration: queryTimeout, orElse: () => Effect.fail(undefined) }),
        Effect.tapError((error) => Effect.sync(() => error !== undefined && errors.push(error))),
        Effect.tap(() => Effect.sync(() => answered.push(host))),
        Effect.filterOrFail(
          (state) => DatabaseUrl.isSuitable(attribute, state),
          () => undefined
        ),
        Effect.as(Result.succeed(host))
      )
    return Effect.raceAll(hosts.map(suitable)).pipe(
      Effect.catch(() => {
        const [other] = answered
        return Effect.succeed(
          attribute === "prefer-standby" && other !== undefined
            ? Result.succeed(other)
            : Result.fail(whyNone(attribute, other !== undefined, errors))
        )
      })
    )
  })

const open = ({ host, port }: DatabaseUrl.DatabaseHost): Socket =>
  host.startsWith("/")
    ? connect(`${host}/.s.PGSQL.${port}`)
    : connect({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: keepAliveMillis })

/** The driver's settings for a URL that is valid and names several servers or an attribute. */
export const route = Effect.fnUntraced(function* (
  url: URL
): Effect.fn.Return<Pick<PgPoolConfig, "url" | "password" | "stream" | "ssl">> {
  const hosts = Result.getOrThrow(DatabaseUrl.hostsOf(url))
  const attribute = DatabaseUrl.attributeOf(url) ?? "any"
  const lookup = yield* Lookup.make({
    find: () => Effect.map(search(url, hosts, attribute), Option.some),
    foundTtl: sharedFor,
    unknownTtl: sharedFor,
    capacity: 1
  })
  let latest: Result.Result<DatabaseUrl.DatabaseHost, Error> = Result.fail(new Error("No search has ended"))
  const target = () => Result.getOrThrow(latest)
  const hostName = () => Result.match(latest, { onSuccess: ({ host }) => host, onFailure: () => "" })
  const password = Redacted.make(DatabaseUrl.passwordOf(url))
  return {
    url: Redacted.make(DatabaseUrl.urlOfHost(url, hosts[0] ?? { host: "localhost", port: 5432 }).href),
    // The search runs here, because the password is the only effect that the driver runs before each connection.
    password: Effect.map(Effect.orDie(lookup("")), (result) => {
      latest = Option.getOrElse(result, () => latest)
      return password
    }),
    stream: () => open(target()),
    // The driver copies these for each connection. The certificate must be for the server that was found.
    ssl: DatabaseUrl.usesTls(url)
      ? {
          get host() {
            return hostName()
          },
          get servername() {
            return isIP(hostName()) === 0 ? hostName() : ""
          }
        }
      : false
  }
})
