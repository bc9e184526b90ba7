/**
 * `migrate`: brings the database up to this version.
 *
 * @module
 */
import { Effect } from "effect"
import { Command } from "effect/cli"
import { SqlClient, SqlError } from "effect/sql"
import { Settings } from "../Config.ts"
import * as Database from "../postgres/Database.ts"
import * as Migrations from "../postgres/schema/Migrations.ts"
import * as ErrorMessages from "./support/ErrorMessages.ts"
import * as LocalDatabase from "./support/LocalDatabase.ts"
import * as Output from "./support/Output.ts"

/** How often a migration is begun again that the database gave up: after a restart in the midst of it, or a deadlock. */
const retries = 3

/**
 * Runs the migrations. A database that is away, or goes away meanwhile, is waited for as long as for any statement; but a migration of a large table,
 * or one that another process runs, takes what it takes: cut short, it would end the same way each time.
 */
export const migrate = (settings: Settings) =>
  SqlClient.SqlClient.use((sql) => sql`SELECT 1`).pipe(
    Database.bounded(settings.databaseTimeout),
    Effect.andThen(Migrations.run),
    Effect.retry({ while: Database.isTransient, times: retries }),
    Effect.catchTags({
      MigrationError: ({ cause, message }) => {
        const why = SqlError.isSqlError(cause) ? `. ${ErrorMessages.of(Database.unavailable(cause))}` : ""
        return Effect.fail(new Output.CliFailure({ message: `The database could not be migrated: ${message}${why}` }))
      },
      SqlError: (error) => Effect.fail(Database.unavailable(error))
    })
  )

export const command = Command.make(
  "migrate",
  {},
  Effect.fnUntraced(function* () {
    const settings = yield* Settings
    const done = yield* migrate(settings).pipe(Effect.provide(LocalDatabase.layer(settings)))
    yield* Output.answer({
      json: { applied: done.map(([id, name]) => ({ id, name })) },
      text:
        done.length === 0
          ? "The database is up to date.\n"
          : done.map(([id, name]) => `Applied ${String(id).padStart(4, "0")}_${name}.\n`).join("")
    })
  })
).pipe(Command.withDescription("Bring the database of DATABASE_URL up to this version"))
