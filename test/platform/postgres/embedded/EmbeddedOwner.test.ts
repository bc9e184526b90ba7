/** The user that owns the files of an embedded cluster and may connect to it. */
import { execFileSync, spawnSync } from "node:child_process"
import { chownSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs"
import path from "node:path"
import type { PgClient } from "@effect/sql-pg"
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

/** The uid of a system user. */
const idOf = (name: string) => Number(execFileSync("id", ["-u", name], { encoding: "utf8" }))

/** The server's access rules. */
const rules = (sql: PgClient.PgClient) => sql`SELECT type, auth_method, options FROM pg_hba_file_rules`

describe("the embedded cluster: its owner", () => {
  it.live("works in a folder that only its owner can enter, and its rows survive a restart", () =>
    Effect.gen(function* () {
      const closed = yield* folder
      const dataDir = path.join(closed, "inside", "db")
      mkdirSync(path.join(closed, "inside"), { mode: 0o700 })
      const home = yield* using({ dataDir, settings: quick }, (sql, cluster) => Effect.as(store(sql), cluster.home))
      yield* Effect.addFinalizer(() => Effect.sync(() => rmSync(home, { recursive: true, force: true })))
      // A server that root starts runs as another user, who cannot enter this folder, so its files are in another folder.
      assert.strictEqual(home === dataDir, !isRoot)
      assert.strictEqual(statSync(home).mode & 0o022, 0)
      assert.strictEqual(statSync(home).uid, process.geteuid?.())
      assert.deepStrictEqual(yield* using({ dataDir, settings: quick }, stored), [7])
      rmSync(home, { recursive: true })
      if (isRoot) assert.strictEqual((yield* refusal({ dataDir })).reason, "FolderUnusable")
    }).pipe(Effect.scoped)
  )

  it.live("the user nobody can neither read the files nor reach the socket", () =>
    Effect.gen(function* () {
      const dataDir = yield* folder
      yield* using({ dataDir, settings: quick }, (sql, { home, path: socket }) =>
        Effect.gen(function* () {
          yield* store(sql)
          const owner = statSync(path.join(home, "data")).uid
          assert.strictEqual(statSync(socket).uid, owner)
          if (!isRoot) return assert.strictEqual(owner, process.geteuid?.())
          const [nobody, serverUser] = [idOf("nobody"), idOf("hydracore-postgres")]
          assert.strictEqual(owner, serverUser)
          const read = (uid: number) => {
            const args = ["-c", 'cat "$0/data/PG_VERSION" && test -S "$1"', home, socket]
            return spawnSync("/bin/sh", args, { uid, gid: uid, cwd: "/" }).status
          }
          assert.strictEqual(read(serverUser), 0)
          assert.notStrictEqual(read(nobody), 0)
          assert.deepStrictEqual(yield* rules(sql), [{ type: "local", auth_method: "peer", options: ["map=owner"] }])
        })
      )
    }).pipe(Effect.scoped)
  )

  it.live("data of another user is refused, first with the way that leaves it as it is", () =>
    Effect.gen(function* () {
      const dataDir = yield* Effect.flatMap(folder, prepared)
      // Only root can give files away.
      if (!isRoot) return
      const data = path.join(dataDir, "data")
      chownSync(data, idOf("nobody"), idOf("nobody"))
      const { message, reason } = yield* refusal({ dataDir })
      assert.strictEqual(reason, "FolderUnusable")
      assert.match(
        message,
        /belongs to user id \d+, .* To leave that database as it is, set HYDRACORE_DATA_DIR to another folder\. /
      )
      const uid = idOf("hydracore-postgres")
      assert.match(message, new RegExp(`while nothing uses it, .*: sudo chown -R ${uid}:\\d+ '${data}'$`))
    }).pipe(Effect.scoped)
  )

  it.live("does not use a recorded folder that it did not create", () =>
    Effect.gen(function* () {
      const [dataDir, strange] = [yield* folder, yield* folder]
      writeFileSync(path.join(dataDir, "place"), strange)
      assert.strictEqual((yield* refusal({ dataDir })).reason, "FolderUnusable")
      assert.deepStrictEqual(readdirSync(strange), [])
    }).pipe(Effect.scoped)
  )
})
