/**
 * `migrate`: applies the pending migrations.
 *
 * @module
 */
import { Effect } from "effect"
import { Command, Flag } from "effect/cli"
import { SqlClient, SqlError } from "effect/sql"
import { Settings } from "../../Config.ts"
import { titleOf } from "../../clickhouse/schema/Migration.ts"
import * as Database from "../../postgres/Database.ts"
import * as Migrations from "../../postgres/schema/Migrations.ts"
import * as AnalyticsTables from "../support/AnalyticsTables.ts"
import * as ErrorMessages from "../support/ErrorMessages.ts"
import * as LocalDatabase from "../support/LocalDatabase.ts"
import * as Output from "../support/Output.ts"

/** How many times to retry a migration that the database aborted because of a restart or a deadlock. */
const maxRetries = 3

/**
 * Runs the migrations. Waits for an unreachable database for `DATABASE_TIMEOUT`. A migration itself has no time limit: on a
 * large table, or while another process migrates, each attempt would time out in the same way.
 */
export const migrate = (settings: Settings) =>
  SqlClient.SqlClient.use((sql) => sql`SELECT 1`).pipe(
    Database.bounded(settings.databaseTimeout),
    Effect.andThen(Migrations.run),
    Effect.retry({ while: Database.isTransient, times: maxRetries }),
    Effect.catchTags({
      MigrationError: ({ cause, message }) => {
        const reason = SqlError.isSqlError(cause) ? `. ${ErrorMessages.of(Database.unavailable(cause))}` : ""
        return Effect.fail(
          new Output.CliFailure({ message: `The database could not be migrated: ${message}${reason}` })
        )
      },
      SqlError: (error) => Effect.fail(Database.unavailable(error))
    })
  )

/** What was applied to a store. */
const textOf = (titles: ReadonlyArray<string>, store: string, place: string): string =>
  titles.length === 0 ? `${store} is up to date.\n` : titles.map((title) => `Applied ${title}${place}.\n`).join("")

export const command = Command.make(
  "migrate",
  {
    cluster: Flag.String("cluster").pipe(
      Flag.withMetavar("<name>"),
      Flag.withDescription("Migrate the tables of ANALYTICS_URL on all servers of this ClickHouse cluster"),
      Flag.optional
    )
  },
  Effect.fnUntraced(function* ({ cluster }) {
    const settings = yield* Settings
    // Before anything is migrated.
    yield* AnalyticsTables.requireStore(settings, cluster)
    const applied = yield* migrate(settings).pipe(Effect.provide(LocalDatabase.layer(settings)))
    const analytics = yield* AnalyticsTables.migrate(settings, cluster)
    const titles = applied.map(([id, name]) => `${String(id).padStart(4, "0")}_${name}`)
    yield* Output.answer({
      json: {
        applied: applied.map(([id, name]) => ({ id, name })),
        ...(analytics === null ? {} : { analytics_applied: analytics.map(({ id, name }) => ({ id, name })) })
      },
      text: `${textOf(titles, "The database", "")}${
        analytics === null ? "" : textOf(analytics.map(titleOf), "ClickHouse", " in ClickHouse")
      }`
    })
  })
).pipe(Command.withDescription("Migrate the database of DATABASE_URL, and that of ANALYTICS_URL, to this version"))
