/**
 * The guide's table of settings against the module that reads them: the same variables, with the same defaults.
 */
import { readFileSync } from "node:fs"
import path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect } from "effect"
import { Settings } from "../../src/Config.ts"
import * as Documents from "./Documents.ts"

const [, table = ""] = Documents.textOf("src/docs/settings.md").split("## ")

/** Each variable of the table with its default; undefined for none. */
const documented = new Map<string, string | undefined>(
  [...table.matchAll(/^\| ((?:`[A-Z_]+`(?:, )?)+) \| ([^|]+) \|/gm)].flatMap(([, names = "", defaults = ""]) => {
    const values = defaults.split(", ").map((value) => (value === "none" ? undefined : value.replaceAll("`", "")))
    return [...names.matchAll(/[A-Z_]+/g)].map(([name], index) => [name, values[index]] as const)
  })
)

/** Every variable that the module reads, except those that the system sets. */
const variablesRead = [
  ...new Set(
    [...readFileSync(path.join(Documents.root, "src/Config.ts"), "utf8").matchAll(/"([A-Z][A-Z_]{3,})"/g)].map(
      ([, name]) => name
    )
  )
].filter((name) => name !== "USER" && name !== "USERNAME")

const parse = (variables: Record<string, string>) =>
  Effect.runPromise(Settings.parse(ConfigProvider.fromUnknown(variables)))

describe("the table of settings", () => {
  it("names every variable, and no other", () => {
    assert.isAbove(variablesRead.length, 20)
    assert.sameMembers([...documented.keys()], variablesRead)
  })

  it("gives the defaults: set explicitly, they change nothing", async () => {
    const defaults: Record<string, string> = {}
    for (const [name, value] of documented) if (value !== undefined) defaults[name] = value
    assert.isAbove(Object.keys(defaults).length, 15)
    assert.deepStrictEqual(await parse(defaults), await parse({}))
  })

  it("the operator's environment file has only settings, and they are valid", async () => {
    const lines = Documents.onlyBlock("src/docs/operator.md", "env").split("\n")
    const variables = Object.fromEntries(lines.map((line) => line.split(/=(.*)/s, 2) as [string, string]))
    for (const name of Object.keys(variables)) assert.include(variablesRead, name)
    // The guide adds it by a command.
    await parse({ ...variables, SECRETS_KEY: "5".repeat(64) })
  })
})
