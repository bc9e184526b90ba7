/**
 * The tables of the store that `ANALYTICS_URL` names.
 *
 * @module
 */
import { Effect, Option } from "effect"
import type { Settings } from "../../Config.ts"
import * as ClickHouse from "../../platform/clickhouse/ClickHouse.ts"
import * as Errors from "../../platform/clickhouse/Errors.ts"
import * as Migrations from "../../platform/clickhouse/schema/Migrations.ts"
import type { Migration } from "../../platform/clickhouse/schema/Tables.ts"
import type { StorageUnavailable } from "../../platform/Storage.ts"
import { CliFailure } from "./Output.ts"

/** Fails if a cluster is named without `ANALYTICS_URL`. */
export const requireStore = (
  { analyticsUrl }: Settings,
  cluster: Option.Option<string>
): Effect.Effect<void, CliFailure> =>
  Option.isSome(cluster) && Option.isNone(analyticsUrl)
    ? Effect.fail(new CliFailure({ message: "--cluster needs ANALYTICS_URL, which is not set." }))
    : Effect.void

/** Runs the pending migrations, on one server or on a cluster, and returns them; null without `ANALYTICS_URL`. */
export const migrate = (
  { analyticsUrl, databaseTimeout }: Settings,
  cluster: Option.Option<string>
): Effect.Effect<ReadonlyArray<Migration> | null, CliFailure | StorageUnavailable> =>
  Option.match(analyticsUrl, {
    onNone: () => Effect.succeed(null),
    onSome: (address) =>
      // Waits for a server that is starting. The migrations have no time limit, like PostgreSQL's.
      ClickHouse.ClickHouse.use(({ query }) => query("SELECT 1")).pipe(
        ClickHouse.bounded(databaseTimeout),
        Effect.andThen(Migrations.apply(cluster)),
        Effect.catchTags({
          ClickHouseError: (error) => Effect.fail(Errors.unavailable(error)),
          OtherLayout: ({ layout }) =>
            Effect.fail(
              new CliFailure({
                message: `ClickHouse's tables are on ${layout} already; name a new database in ANALYTICS_URL, or leave out --cluster.`
              })
            )
        }),
        Effect.provide(ClickHouse.layer({ address, connections: 1 }))
      )
  })

/**
 * Logs a warning if the server is down or rejects the password. The service starts without it, because forms and chats do not
 * need ClickHouse.
 */
export const warnIfUnusable = ({ analyticsUrl, databaseTimeout }: Settings): Effect.Effect<void> =>
  Option.match(analyticsUrl, {
    onNone: () => Effect.void,
    onSome: (address) =>
      ClickHouse.ClickHouse.use(({ query }) => query("SELECT 1")).pipe(
        ClickHouse.bounded(databaseTimeout),
        Effect.provide(ClickHouse.layer({ address, connections: 1 })),
        Effect.catch((error) =>
          Effect.logWarning(
            `ClickHouse cannot be used (${error.code ?? error.reason}). Until it can be used, page views, events and requests for statistics get a 503`
          )
        ),
        Effect.asVoid
      )
  })
