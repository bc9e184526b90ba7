/**
 * The tables of the store that `ANALYTICS_URL` names.
 *
 * @module
 */
import { Effect, Option } from "effect"
import type { Settings } from "../../Config.ts"
import * as ClickHouse from "../../clickhouse/ClickHouse.ts"
import * as Errors from "../../clickhouse/Errors.ts"
import * as Layout from "../../clickhouse/schema/Layout.ts"
import * as Migrations from "../../clickhouse/schema/Migrations.ts"
import type { StorageUnavailable } from "../../services/Storage.ts"
import { CliFailure } from "./Output.ts"

/** Creates the missing tables, on one server or on a cluster, and returns their names; null without `ANALYTICS_URL`. */
export const create = (
  { analyticsUrl, databaseTimeout }: Settings,
  cluster: Option.Option<string>
): Effect.Effect<ReadonlyArray<string> | null, CliFailure | StorageUnavailable> =>
  Option.match(analyticsUrl, {
    onNone: () =>
      Option.isNone(cluster)
        ? Effect.succeed(null)
        : Effect.fail(new CliFailure({ message: "--cluster needs ANALYTICS_URL, which is not set." })),
    onSome: (address) =>
      // Waits for a server that is starting. The statements that create tables have no time limit, like PostgreSQL's migrations.
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
 * Fails if tables are missing. If the server is down or rejects the password, logs a warning and succeeds, because forms and
 * chats do not need ClickHouse.
 */
export const require = ({ analyticsUrl, databaseTimeout }: Settings): Effect.Effect<void, CliFailure> =>
  Option.match(analyticsUrl, {
    onNone: () => Effect.void,
    onSome: (address) =>
      Layout.missing.pipe(
        ClickHouse.bounded(databaseTimeout),
        Effect.provide(ClickHouse.layer({ address, connections: 1 })),
        Effect.matchEffect({
          onSuccess: (missing) =>
            missing.length === 0
              ? Effect.void
              : Effect.fail(
                  new CliFailure({
                    message: `ClickHouse lacks the ${missing.length === 1 ? "table" : "tables"} ${missing.join(", ")}. Run \`npm run -s hydracore -- migrate\`.`
                  })
                ),
          onFailure: (error) =>
            Effect.logWarning(
              `ClickHouse cannot be used (${error.code ?? error.reason}). Until it can be used, page views, events and requests for statistics get a 503`
            )
        })
      )
  })
