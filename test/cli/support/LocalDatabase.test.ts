import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect } from "effect"
import { Settings } from "../../../src/Config.ts"
import * as LocalDatabase from "../../../src/cli/support/LocalDatabase.ts"
import * as Command from "../../support/Command.ts"

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(path.join(tmpdir(), "hydracore-folder-"))),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
)

describe("the data folder", () => {
  it.effect("a data folder that is a file is an error that names it and the setting", () =>
    Effect.gen(function* () {
      const file = path.join(yield* folder, "file")
      writeFileSync(file, "")
      const settings = yield* Settings.parse(ConfigProvider.fromUnknown({ HYDRACORE_DATA_DIR: file }))
      for (const write of [
        LocalDatabase.makeDataFolder(settings),
        LocalDatabase.writePrivate(path.join(file, "x"), "text")
      ]) {
        const { message } = yield* Effect.flip(write)
        assert.include(message, file)
        assert.include(message, "HYDRACORE_DATA_DIR")
      }
    })
  )

  it.effect("an unreadable secrets.key is an error that names the file", () =>
    Effect.gen(function* () {
      const dataDir = yield* folder
      // Root may read any file, but not a folder.
      mkdirSync(path.join(dataDir, "secrets.key"))
      const settings = yield* Settings.parse(ConfigProvider.fromUnknown({ HYDRACORE_DATA_DIR: dataDir }))
      const error = yield* Effect.flip(LocalDatabase.withSecretsKey(settings))
      assert.strictEqual(error._tag, "CliFailure")
      assert.include(error.message, `Cannot read ${path.join(dataDir, "secrets.key")} (EISDIR);`)
    })
  )

  it.effect("creates missing parents and rejects what is not a folder", () =>
    Effect.gen(function* () {
      const above = yield* folder
      const make = (dataDir: string) =>
        Effect.flatMap(
          Settings.parse(ConfigProvider.fromUnknown({ HYDRACORE_DATA_DIR: dataDir })),
          LocalDatabase.makeDataFolder
        )
      const deep = path.join(above, "a", "b", "c")
      yield* make(deep)
      yield* make(deep)
      assert.isTrue(statSync(deep).isDirectory())
      symlinkSync(path.join(above, "gone"), path.join(above, "link"))
      assert.include((yield* Effect.flip(make(path.join(above, "link")))).message, "(EEXIST)")
    })
  )

  it.live("`demo` fails at once where folders cannot be created", () =>
    Effect.gen(function* () {
      // The folder itself, and the database's folder in it.
      for (const [dataDir, expected] of [
        ["/proc/nowhere/at/all", /^Cannot write \/proc\/nowhere\/at\/all \(E\w+\); set HYDRACORE_DATA_DIR [^\n]*\.\n$/],
        ["/proc", /^(Could not make the folder|Cannot write) \/proc[^\n]*\.\n$/]
      ] as const) {
        const { code, output } = yield* Command.run(["demo"], { HYDRACORE_DATA_DIR: dataDir })
        assert.strictEqual(code, 1)
        assert.match(output, expected)
      }
    })
  )

  it.effect("files are readable by their owner only", () =>
    Effect.gen(function* () {
      const file = path.join(yield* folder, "file")
      yield* LocalDatabase.writePrivate(file, "one")
      yield* LocalDatabase.writePrivate(file, "two")
      assert.strictEqual(readFileSync(file, "utf8"), "two")
      assert.strictEqual(statSync(file).mode & 0o777, 0o600)
    })
  )
})
