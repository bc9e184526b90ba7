/** What `migrate --print-grants` prints is what the service needs. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted, Schema } from "effect"
import { SqlClient } from "effect/sql"
import * as Rows from "../../../../scripts/torture/Rows.ts"
import * as Privileges from "../../../../src/platform/postgres/schema/Privileges.ts"
import { decodeRows } from "../../../../src/platform/runtime/Rows.ts"
import * as Command from "../../../support/Command.ts"
import * as InProcessServe from "../../../support/InProcessServe.ts"
import * as TestDatabase from "../../../support/postgres/TestDatabase.ts"

/** Page views of bots are stored separately. */
const browser = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"

/** What only migrations and commands use. */
const unused = ["analytics_copy", "effect_sql_migrations"]

/** A database with a role that has no rights; the name needs quotes. `url` is the role's. */
const withRole = Effect.gen(function* () {
  const connection = yield* TestDatabase.connection
  const owner = yield* TestDatabase.clientOf(connection)
  const name = `${connection.database} "service"`
  const role = owner(name)
  yield* Effect.acquireRelease(owner`CREATE ROLE ${role} LOGIN PASSWORD 'sesame'`, () =>
    Effect.orDie(Effect.andThen(owner`DROP OWNED BY ${role}`, owner`DROP ROLE ${role}`))
  )
  const ownerUrl = Redacted.value(connection.url)
  const url = new URL(ownerUrl)
  url.username = encodeURIComponent(name)
  url.password = "sesame"
  return { owner, ownerUrl, name, url: url.href }
})

describe("migrate --print-grants", () => {
  it.live(
    "a role with exactly these rights runs the service and its commands, and cannot change the tables",
    () =>
      Effect.gen(function* () {
        const { name, owner, ownerUrl, url } = yield* withRole
        // Creates the partitions of the coming months.
        yield* Command.run(["migrate"], { DATABASE_URL: ownerUrl })
        const printed = yield* Command.run(["migrate", "--print-grants", name], { DATABASE_URL: ownerUrl })
        assert.strictEqual(printed.code, 0, printed.output)
        assert.isTrue(printed.stdout.endsWith(";\n"))
        for (const statement of printed.stdout.slice(0, -2).split(";\n")) yield* owner.unsafe(statement)

        const command = (...args: ReadonlyArray<string>) =>
          Effect.tap(Command.run(args, { DATABASE_URL: url, SECRETS_KEY: "5".repeat(64) }), ({ code, output }) =>
            Effect.sync(() => assert.strictEqual(code, 0, output))
          )
        const doctor = yield* Command.run(["doctor"], { DATABASE_URL: url })
        assert.notMatch(doctor.output, /^\S+ +rights /m)

        const created = yield* command("site", "create", "--name", "Grants", "--json")
        const { tracking_token: token, site_id: site } = JSON.parse(created.stdout)
        const service = yield* InProcessServe.start({ DATABASE_URL: url, CONSOLE: "on" })
        const post = (path: string, body: object) =>
          Effect.promise(async () => {
            const response = await fetch(service.url + path, {
              method: "POST",
              headers: { "content-type": "application/json", "user-agent": browser },
              body: JSON.stringify(body)
            })
            await response.arrayBuffer()
            return response.status
          })
        const statuses = [
          yield* post("/v1/public/analytics/track", { site_id: token, page_path: "/" }),
          yield* post("/v1/public/analytics/event", { site_id: token, name: "signup", page_path: "/" }),
          yield* post("/v1/public/forms/submit", { site_id: site, form_data: { message: "Hello" } })
        ]
        assert.deepStrictEqual(statuses, [204, 204, 200])
        const ready = yield* Effect.promise(() => fetch(`${service.url}/readyz`))
        assert.strictEqual(ready.status, 200)
        yield* command("report", "rebuild")
        yield* command("console", "link", "--site", site)
        assert.match((yield* command("stats", "--site", site)).stdout, /^page views +1$/m)
        // Deletes from each partition directly.
        yield* command("site", "delete", "--site", site, "--name", "Grants")
        assert.notInclude(service.output(), "denied")

        for (const statement of [
          "DROP TABLE site",
          "CREATE TABLE mine (id int)",
          "DELETE FROM effect_sql_migrations"
        ]) {
          const denied = yield* Effect.exit(Rows.use(url, (sql) => sql.unsafe(statement)))
          assert.strictEqual(denied._tag, "Failure", statement)
        }
        // A later migration's table.
        yield* owner`CREATE TABLE later (id int)`
        yield* Rows.use(url, (sql) => sql`INSERT INTO later VALUES (1)`)
      }).pipe(Effect.scoped),
    120_000
  )

  it.live("the rights of the service name every table that it uses", () =>
    Effect.gen(function* () {
      const { owner, url } = yield* withRole
      const tables =
        yield* owner`SELECT relname AS name FROM pg_class WHERE relnamespace = current_schema()::regnamespace
          AND relkind IN ('r', 'p') AND NOT relispartition ORDER BY 1`.pipe(
          decodeRows(Schema.Array(Schema.Struct({ name: Schema.String })))
        )
      const missing = yield* Rows.use(url, (sql) =>
        Effect.provideService(
          Effect.all([Privileges.missing, Privileges.missingForMaintenance]),
          SqlClient.SqlClient,
          sql
        )
      )
      const named = new Set(missing.flat().map((right) => right.slice(right.lastIndexOf(" ") + 1)))
      assert.deepStrictEqual(
        tables.flatMap(({ name }) => (named.has(name) ? [] : [name])),
        unused
      )
    }).pipe(Effect.scoped)
  )

  it.live("without these rights, the service says how to get them", () =>
    Effect.gen(function* () {
      const { name, owner, url } = yield* withRole
      yield* owner`GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${owner(name)}`
      const serve = yield* Command.run(["serve"], { DATABASE_URL: url, PORT: "0" })
      assert.strictEqual(serve.code, 1)
      assert.include(serve.output, "migrate --print-grants <user>")
    }).pipe(Effect.scoped)
  )

  it.live("says what to do without tables, and refuses what is not a name", () =>
    Effect.gen(function* () {
      const DATABASE_URL = yield* TestDatabase.unmigrated
      const empty = yield* Command.run(["migrate", "--print-grants", "edge"], { DATABASE_URL })
      assert.deepStrictEqual([empty.code, empty.stdout], [1, ""])
      assert.match(empty.stderr, /migrate` as their future owner first/)
      for (const name of ["", "e".repeat(64), "a\nb"]) {
        const refused = yield* Command.run(["migrate", "--print-grants", name], { DATABASE_URL })
        assert.strictEqual(refused.code, 1)
        assert.include(refused.output, "the name of a PostgreSQL role")
      }
    }).pipe(Effect.scoped)
  )
})
