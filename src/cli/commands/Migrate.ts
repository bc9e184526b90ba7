/**
 * `migrate`: applies the pending migrations. With `--print-grants`, it only prints the privileges that a role needs.
 *
 * @module
 */
import { Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import { SqlClient, SqlError } from "effect/sql"
import { Settings } from "../../Config.ts"
import { titleOf } from "../../platform/clickhouse/schema/Tables.ts"
import * as Database from "../../platform/postgres/Database.ts"
import * as Migrations from "../../platform/postgres/schema/Migrations.ts"
import * as Privileges from "../../platform/postgres/schema/Privileges.ts"
import { hydracore } from "../../platform/text/CommandName.ts"
import * as TerminalText from "../../platform/text/TerminalText.ts"
import * as AnalyticsTables from "../support/AnalyticsTables.ts"
import * as ErrorMessages from "../support/ErrorMessages.ts"
import * as Inputs from "../support/Inputs.ts"
import * as LocalDatabase from "../support/LocalDatabase.ts"
import * as Output from "../support/Output.ts"

/** How many times to retry a migration that the database aborted because of a restart or a deadlock. */
const maxRetries = 3

/**
 * Runs the migrations. Waits for an unreachable database for `DATABASE_TIMEOUT`. A migration itself has no time limit: on a
 * large table, or while another process migrates, each attempt would time out in the same way.
 */
export const migrate = SqlClient.SqlClient.use((sql) => sql`SELECT 1`).pipe(
  Database.mapErrors,
  Effect.andThen(Migrations.run),
  Effect.retry({ while: Database.isTransient, times: maxRetries }),
  Effect.catchTags({
    MigrationError: ({ cause, message }) => {
      const reason = SqlError.isSqlError(cause) ? `. ${ErrorMessages.of(Database.unavailable(cause))}` : ""
      return Effect.fail(new Output.CliFailure({ message: `The database could not be migrated: ${message}${reason}` }))
    },
    SqlError: (error) => Effect.fail(Database.unavailable(error))
  })
)

/** What was applied to a store. */
const textOf = (titles: ReadonlyArray<string>, store: string, place: string): string =>
  titles.length === 0 ? `${store} is up to date.\n` : titles.map((title) => `Applied ${title}${place}.\n`).join("")

/** PostgreSQL shortens longer names. */
const maxRoleBytes = 63

const roleKind: Inputs.Kind<string> = {
  expected: `the name of a PostgreSQL role, of 1 to ${maxRoleBytes} bytes`,
  parse: Option.liftPredicate(
    (text) => text !== "" && Buffer.byteLength(text) <= maxRoleBytes && TerminalText.printable(text) === text
  )
}

/** Prints the statements that let a role run the service on tables that it does not own. */
const printGrants = Effect.fnUntraced(function* (settings: Settings, role: string) {
  const statements = yield* Privileges.grants(role).pipe(
    Database.mapErrors,
    Effect.provide(LocalDatabase.layer(settings))
  )
  if (statements.length === 0) {
    return yield* new Output.CliFailure({
      message: `The database has no tables of the service; run \`${hydracore} migrate\` as their future owner first.`
    })
  }
  yield* Output.answer({
    json: { grants: statements },
    text: statements.map((statement) => `${statement};\n`).join("")
  })
})

export const command = Command.make(
  "migrate",
  {
    cluster: Flag.String("cluster").pipe(
      Flag.withMetavar("<name>"),
      Flag.withDescription("Migrate the tables of ANALYTICS_URL on all servers of this ClickHouse cluster"),
      Flag.optional
    ),
    printGrants: Inputs.optional(
      Inputs.make(
        "print-grants",
        roleKind,
        "role",
        "Migrate nothing; print the SQL that lets this role run the service on tables that it does not own"
      )
    )
  },
  Effect.fnUntraced(function* ({ cluster, printGrants: role }) {
    const settings = yield* Settings
    if (role !== null) return yield* printGrants(settings, role)
    // Before anything is migrated.
    yield* AnalyticsTables.requireStore(settings, cluster)
    const applied = yield* migrate.pipe(Effect.provide(LocalDatabase.layer(settings)))
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
