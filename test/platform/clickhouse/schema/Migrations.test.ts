/**
 * The migrations of ClickHouse's tables. `5c0da731.sql` has the tables as that revision created them, before there was a record
 * of migrations.
 */
import { randomUUID } from "node:crypto"
import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option, Schema } from "effect"
import * as VisitSql from "../../../../src/analytics/reports/clickhouse/VisitSql.ts"
import { ClickHouse } from "../../../../src/platform/clickhouse/ClickHouse.ts"
import * as History from "../../../../src/platform/clickhouse/schema/History.ts"
import * as Migrations from "../../../../src/platform/clickhouse/schema/Migrations.ts"
import type { Migration } from "../../../../src/platform/clickhouse/schema/Tables.ts"
import * as Tables from "../../../../src/platform/clickhouse/schema/Tables.ts"
import { decodeRows } from "../../../../src/platform/runtime/Rows.ts"
import { describeWithClickHouse, empty } from "../../../support/clickhouse/TestClickHouse.ts"

const oldStatements = readFileSync(new URL("./5c0da731.sql", import.meta.url), "utf8")
  .split(";")
  .map((statement) => statement.trim())
  .filter((statement) => statement !== "")

const createOld = ClickHouse.use(({ command }) =>
  Effect.forEach(oldStatements, (statement) => command(statement), { discard: true })
)

/** What a later version could add: a column, which its other tables do not need. */
const next: Migration = {
  id: History.migrations.length + 1,
  name: "language",
  creates: [],
  statements: (target) => Tables.addColumn(target, "page_view", ["language", "LowCardinality(Nullable(String))"])
}

const later = [...History.migrations, next]

const Counts = Schema.Array(Schema.Struct({ count: Schema.Finite }))

const Views = Schema.Array(Schema.Struct({ path: Schema.String, language: Schema.NullOr(Schema.String) }))

const views = ClickHouse.use(({ query }) =>
  query("SELECT path, language FROM page_view ORDER BY path").pipe(decodeRows(Views))
)

const columns = ClickHouse.use(({ query }) =>
  query(
    `SELECT table, name, type, compression_codec, default_expression, position FROM system.columns
      WHERE database = currentDatabase() ORDER BY table, position`
  )
)

const engines = ClickHouse.use(({ query }) =>
  query("SELECT name, engine_full FROM system.tables WHERE database = currentDatabase() ORDER BY name")
)

const versions = ClickHouse.use(({ query }) => query(`SELECT id, name FROM ${Tables.versions} ORDER BY id`))

/** One row in each table of the old revision. */
const insertRows = ClickHouse.use(({ command }) =>
  Effect.forEach(
    History.migrations[0]?.creates ?? [],
    (name) => command(`INSERT INTO ${name} (hosted_website_id) VALUES ('${randomUUID()}')`),
    { discard: true }
  )
)

const rowCounts = ClickHouse.use(({ query }) =>
  Effect.forEach(History.migrations[0]?.creates ?? [], (name) =>
    query(`SELECT count() AS count FROM ${name}`).pipe(
      decodeRows(Counts),
      Effect.map(([row]) => row?.count)
    )
  )
)

const insertView = (path: string) =>
  ClickHouse.use(({ insert }) => insert({ table: "page_view", columns: ["path"], rows: [[path]], token: randomUUID() }))

const ids = (migrations: ReadonlyArray<Migration>) => migrations.map(({ id }) => id)

describeWithClickHouse("platform/clickhouse/schema/Migrations", () => {
  it.effect("tables of revision 5c0da731 are upgraded to those of a new installation, and keep their rows", () =>
    Effect.gen(function* () {
      yield* createOld
      yield* insertRows
      // The revision's own tables are those of the first migration.
      assert.deepStrictEqual(ids(yield* Migrations.pending()), ids(History.migrations.slice(1)))
      yield* Migrations.apply(Option.none())
      assert.deepStrictEqual(yield* Migrations.pending(), [])
      assert.deepStrictEqual(
        yield* versions,
        History.migrations.map(({ id, name }) => ({ id, name }))
      )
      assert.deepStrictEqual(
        [...(yield* rowCounts)],
        (History.migrations[0]?.creates ?? []).map(() => 1)
      )
      const upgraded = { columns: yield* columns, engines: yield* engines }
      const created = yield* Migrations.apply(Option.none()).pipe(
        Effect.andThen(Effect.all({ columns, engines })),
        Effect.provide(Layer.fresh(empty))
      )
      assert.deepStrictEqual(upgraded, created)
    }).pipe(Effect.provide(empty))
  )

  it.effect("a next column reaches an old and a new installation once, and processes of this version still work", () =>
    Effect.gen(function* () {
      yield* createOld
      yield* insertView("/before")
      assert.deepStrictEqual(ids(yield* Migrations.pending(later)).at(-1), next.id)
      assert.deepStrictEqual((yield* Migrations.apply(Option.none(), later)).at(-1), next)
      yield* insertView("/after")
      assert.deepStrictEqual(yield* views, [
        { path: "/after", language: null },
        { path: "/before", language: null }
      ])
      assert.deepStrictEqual(yield* Migrations.apply(Option.none(), later), [])
      assert.deepStrictEqual(yield* Migrations.pending(), [])

      const created = yield* Migrations.apply(Option.none(), later).pipe(
        Effect.tap(insertView("/new")),
        Effect.andThen(Effect.all({ columns, views })),
        Effect.provide(Layer.fresh(empty))
      )
      assert.deepStrictEqual(created.columns, yield* columns)
      assert.deepStrictEqual(created.views, [{ path: "/new", language: null }])
    }).pipe(Effect.provide(empty))
  )

  it.effect("a migration that was interrupted, and one that runs twice at once, are applied once", () =>
    Effect.gen(function* () {
      const { command } = yield* ClickHouse
      yield* Migrations.apply(Option.none())
      yield* Effect.forEach(next.statements(Tables.server), (statement) => command(statement))
      assert.deepStrictEqual(yield* Migrations.pending(later), [next])
      yield* Effect.all([Migrations.apply(Option.none(), later), Migrations.apply(Option.none(), later)], {
        concurrency: "unbounded"
      })
      assert.deepStrictEqual(yield* Migrations.pending(later), [])
    }).pipe(Effect.provide(empty))
  )

  it.effect("a table that was dropped is created again, with its later columns", () =>
    Effect.gen(function* () {
      const { command } = yield* ClickHouse
      yield* Migrations.apply(Option.none(), later)
      const before = yield* columns
      yield* command("DROP TABLE page_view SYNC")
      assert.deepStrictEqual(yield* Migrations.pending(later), later)
      yield* Migrations.apply(Option.none(), later)
      assert.deepStrictEqual(yield* columns, before)
      assert.lengthOf(yield* versions, later.length)
    }).pipe(Effect.provide(empty))
  )

  it.effect("the table of stored visits has the columns that a rollup run writes", () =>
    Effect.gen(function* () {
      yield* Migrations.apply(Option.none())
      const { query } = yield* ClickHouse
      const stored = yield* query(
        "SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = 'visit' ORDER BY position"
      )
      const own = ["hosted_website_id", "day", "roll"]
      assert.sameDeepMembers(
        stored.filter((column) => !own.includes((column as { name: string }).name)) as Array<unknown>,
        VisitSql.columns.map(([name, type]) => ({ name, type }))
      )
    }).pipe(Effect.provide(empty))
  )
})

describe("platform/clickhouse/schema/Tables", () => {
  const cluster: Tables.Target = { _tag: "Cluster", cluster: "it's" }

  it("a cluster has a local table on each shard, and a distributed table that shards by website", () => {
    const statements = History.migrations[0]!.statements(cluster)
    assert.lengthOf(statements, History.migrations[0]!.creates.length * 2)
    for (const statement of [...statements, Tables.createVersions(cluster)]) {
      assert.include(statement, "ON CLUSTER 'it\\'s'")
    }
    const [local, distributed] = statements
    assert.match(local!, /page_view_shard[\s\S]*ReplicatedMergeTree\([\s\S]*replicated_deduplication_window = 10000/)
    assert.match(
      distributed!,
      /Distributed\('it\\'s', currentDatabase\(\), page_view_shard, sipHash64\(hosted_website_id\)\)/
    )
  })

  it("a new column is added to the local tables of a cluster, and then to the distributed table", () => {
    assert.deepStrictEqual(next.statements(cluster), [
      "ALTER TABLE page_view_shard ON CLUSTER 'it\\'s' ADD COLUMN IF NOT EXISTS language LowCardinality(Nullable(String))",
      "ALTER TABLE page_view ON CLUSTER 'it\\'s' ADD COLUMN IF NOT EXISTS language LowCardinality(Nullable(String))"
    ])
  })
})
