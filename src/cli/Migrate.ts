/**
 * `migrate`: brings the database up to this version.
 *
 * @module
 */
import { Effect } from "effect"
import { Command } from "effect/cli"
import { Settings } from "../Config.ts"
import * as Database from "../postgres/Database.ts"
import * as Migrations from "../postgres/Migrations.ts"
import * as LocalDatabase from "./LocalDatabase.ts"
import * as Output from "./Output.ts"

/** Runs the migrations, waiting for no longer than `patience` for a database that is away. */
export const migrate = (settings: Settings) =>
  Migrations.run.pipe(
    Effect.catchTag("MigrationError", (error) =>
      Effect.fail(new Output.CliFailure({ message: `The database could not be migrated: ${error.message}` }))
    ),
    Database.bounded(settings.databaseTimeout)
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
