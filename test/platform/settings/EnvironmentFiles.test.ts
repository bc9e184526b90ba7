import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, describe, it } from "@effect/vitest"
import { Config, ConfigProvider, Effect, FileSystem, Option } from "effect"
import * as Environment from "../../../src/platform/settings/Environment.ts"

/** Reads a setting from the variables that `environment` gives for a folder with these files. */
const load = Effect.fnUntraced(function* (
  name: string,
  environment: (folder: string) => Record<string, string>,
  files: Readonly<Record<string, string>> = {}
) {
  const fileSystem = yield* FileSystem.FileSystem
  const folder = yield* fileSystem.makeTempDirectoryScoped()
  for (const [file, content] of Object.entries(files)) yield* fileSystem.writeFileString(`${folder}/${file}`, content)
  const variables = ConfigProvider.fromEnvRecord(environment(folder))
  return yield* Config.option(Config.String(name)).parse(Environment.make(variables, fileSystem))
}, Effect.scoped)

const message = (effect: Effect.Effect<unknown, unknown, FileSystem.FileSystem>) =>
  Effect.map(Effect.flip(effect), String)

describe("platform/settings/Environment", () => {
  it.layer(NodeFileSystem.layer)((it) => {
    it.effect("a setting is its variable, or the content of its file without the last line break", () =>
      Effect.gen(function* () {
        const files = { key: " a secret \n\n" }
        assert.deepStrictEqual(yield* load("KEY", () => ({})), Option.none())
        assert.deepStrictEqual(yield* load("KEY", () => ({ KEY: "own" })), Option.some("own"))
        const file = (name: string) => (folder: string) => ({ KEY_FILE: `${folder}/${name}` })
        assert.deepStrictEqual(yield* load("KEY", file("key"), files), Option.some(" a secret \n"))
        const emptyVariable = (folder: string) => ({ KEY: "", ...file("key")(folder) })
        assert.deepStrictEqual(yield* load("KEY", emptyVariable, files), Option.some(" a secret \n"))
      })
    )

    it.effect(
      "a file that cannot be used is an error that names its variable and repeats neither path nor content",
      () =>
        Effect.gen(function* () {
          const files = { key: "secret", large: "secret".repeat(20_000), empty: "", blank: " \r\n\n" }
          for (const [environment, fault] of [
            [(folder: string) => ({ KEY_FILE: `${folder}/missing` }), "KEY_FILE names a file that does not exist."],
            [(folder: string) => ({ KEY_FILE: folder }), "KEY_FILE names a folder; it must name a file."],
            [(folder: string) => ({ KEY_FILE: `${folder}/large` }), "KEY_FILE names a file of more than 65536 bytes."],
            [(folder: string) => ({ KEY_FILE: `${folder}/empty` }), "KEY_FILE names an empty file."],
            [(folder: string) => ({ KEY_FILE: `${folder}/blank` }), "KEY_FILE names an empty file."],
            [
              (folder: string) => ({ KEY: "own", KEY_FILE: `${folder}/key` }),
              "KEY and KEY_FILE are both set; remove one of them."
            ]
          ] as const) {
            const text = yield* message(load("KEY", environment, files))
            assert.include(text, fault)
            assert.notInclude(text, "secret")
          }
        })
    )
  })
})
