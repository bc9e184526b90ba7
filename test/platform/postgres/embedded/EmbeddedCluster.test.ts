/** An embedded cluster's data across restarts, its paths, its errors and its log. */
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs"
import path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import {
  folder,
  isRoot,
  prepared,
  quick,
  refusal,
  store,
  stored,
  using
} from "../../../support/postgres/EmbeddedFolder.ts"

describe("the embedded cluster", () => {
  it.live("its rows survive a restart, and other users cannot read its folder", () =>
    Effect.gen(function* () {
      const dataDir = path.join(yield* folder, "deep", "db")
      yield* using({ dataDir }, (sql, { home }) =>
        Effect.gen(function* () {
          yield* store(sql)
          assert.strictEqual(home, dataDir)
          assert.strictEqual(statSync(dataDir).mode & 0o777, isRoot ? 0o711 : 0o700)
          for (const name of ["data", "s"]) assert.strictEqual(statSync(path.join(home, name)).mode & 0o077, 0)
          const listening = yield* sql<{ readonly addresses: string; readonly fsync: string }>`
            SELECT current_setting('listen_addresses') AS addresses, current_setting('fsync') AS fsync`
          assert.deepStrictEqual(listening, [{ addresses: "", fsync: "on" }])
        })
      )
      assert.isFalse(existsSync(path.join(dataDir, "data", "postmaster.pid")))
      assert.deepStrictEqual(yield* using({ dataDir }, stored), [7])
    }).pipe(Effect.scoped)
  )

  it.live("works in a folder whose path is too long for a socket, and removes the socket's temporary folder", () =>
    Effect.gen(function* () {
      const dataDir = yield* prepared(path.join(yield* folder, "x".repeat(100)))
      const socket = yield* using({ dataDir, settings: quick }, (sql, { home, path: socket }) =>
        Effect.sync(() => {
          assert.isTrue(existsSync(socket))
          assert.strictEqual(home, dataDir)
          assert.isAtMost(Buffer.byteLength(socket), 103)
          assert.strictEqual(statSync(path.dirname(socket)).mode & 0o777, 0o700)
        }).pipe(Effect.andThen(store(sql)), Effect.as(socket))
      )
      assert.isFalse(existsSync(path.dirname(socket)))
      assert.deepStrictEqual(yield* using({ dataDir, settings: quick }, stored), [7])
    }).pipe(Effect.scoped)
  )

  it.live("the URL of a folder with spaces is percent-encoded, and needs no quotes in a shell", () =>
    Effect.gen(function* () {
      const dataDir = yield* prepared(path.join(yield* folder, "dä ta + ü"))
      yield* using({ dataDir, settings: quick }, (sql, { path: socket, url }) =>
        Effect.sync(() => {
          // Like `decodeURIComponent`, libpq decodes percent-encoding and nothing else.
          const host = /@([^/]*)/.exec(url)?.[1] ?? ""
          assert.strictEqual(decodeURIComponent(host), path.dirname(socket))
          assert.match(url, /^[\w:/@%.-]+$/)
        }).pipe(Effect.andThen(store(sql)))
      )
    }).pipe(Effect.scoped)
  )

  it.live("starts although postmaster.pid names a process that now belongs to another program", () =>
    Effect.gen(function* () {
      const dataDir = yield* Effect.flatMap(folder, prepared)
      yield* using({ dataDir, settings: quick }, store)
      const pidFile = [process.pid, path.join(dataDir, "data"), 1, 5432, path.join(dataDir, "s"), "", "0 0", "ready"]
      writeFileSync(path.join(dataDir, "data", "postmaster.pid"), `${pidFile.join("\n")}\n`)
      assert.deepStrictEqual(yield* using({ dataDir, settings: quick }, stored), [7])
    }).pipe(Effect.scoped)
  )

  it.live("the error names the setting that PostgreSQL rejects, or the version of the data", () =>
    Effect.gen(function* () {
      const dataDir = yield* Effect.flatMap(folder, prepared)
      yield* using({ dataDir, settings: quick }, store)
      const wrongSetting = yield* refusal({ dataDir, settings: { shared_buffers: "plenty" } })
      assert.strictEqual(wrongSetting.reason, "StartFailed")
      assert.include(wrongSetting.message, "shared_buffers")
      writeFileSync(path.join(dataDir, "data", "PG_VERSION"), "12\n")
      const wrongVersion = yield* refusal({ dataDir })
      assert.strictEqual(wrongVersion.reason, "WrongVersion")
      assert.include(wrongVersion.message, "PostgreSQL 12")
    }).pipe(Effect.scoped)
  )

  it.live("the error says that the folder cannot be created", () =>
    Effect.gen(function* () {
      const file = path.join(yield* folder, "file")
      writeFileSync(file, "")
      const { message, reason } = yield* refusal({ dataDir: path.join(file, "db") })
      assert.strictEqual(reason, "FolderUnusable")
      assert.include(message, "Could not make the folder")
    }).pipe(Effect.scoped)
  )

  it.live("its log contains neither statements nor values", () =>
    Effect.gen(function* () {
      const dataDir = yield* Effect.flatMap(folder, prepared)
      const secret = "someone@example.org"
      yield* using({ dataDir, settings: quick }, (sql) =>
        Effect.gen(function* () {
          yield* sql`CREATE TABLE visitor (email text UNIQUE)`
          yield* sql`INSERT INTO visitor VALUES (${secret})`
          yield* Effect.flip(sql`INSERT INTO visitor VALUES (${secret})`)
          yield* Effect.flip(sql`SELECT ${secret}::int`)
          yield* Effect.flip(sql.unsafe(`SELECT 'someone@example.org' FROM nowhere`))
        })
      )
      const log = readFileSync(path.join(dataDir, "postgres.log"), "utf8")
      assert.include(log, "ready to accept connections")
      assert.notInclude(log, secret)
      assert.notInclude(log, "INSERT")
    }).pipe(Effect.scoped)
  )
})
