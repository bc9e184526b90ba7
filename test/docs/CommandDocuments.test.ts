/**
 * The JSON documents that the guide's table of commands shows, against what the commands print with `--json` in the goldens.
 */
import { readdirSync, readFileSync } from "node:fs"
import path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Documents from "./Documents.ts"

/** A value as the table shows it; null and an empty object stand for any value. */
type Shown = null | { readonly [name: string]: Shown } | ReadonlyArray<Shown>

/** Reads a document as the table writes it, such as `{people: [{…}], next}`. */
const parse = (text: string): Shown =>
  JSON.parse(
    text
      .replaceAll("…", "")
      .replace(/\[\w+\]/g, "null")
      .replace(/\w+(?=[,}])/g, (name) => (name === "null" ? name : `${name}: null`))
      .replace(/\w+(?=:)/g, (name) => `"${name}"`)
  )

/** Whether a printed value has the members that are shown, and no other. The items of a list are alike. */
const agrees = (printed: unknown, shown: Shown | undefined): boolean => {
  if (shown === undefined) return false
  if (shown === null || printed === null || Object.keys(shown).length === 0) return true
  if (Array.isArray(printed)) return printed.every((item) => agrees(item, Array.isArray(shown) ? shown[0] : undefined))
  const members = new Map(Object.entries(printed as object))
  const names = Object.keys(shown)
  return (
    members.size === names.length &&
    Object.entries(shown).every(([name, member]) => members.has(name) && agrees(members.get(name), member))
  )
}

const goldens = path.join(Documents.root, "test/outside/commands/goldens")

/** The documents that the commands of a group, such as `person`, print in their goldens: not every command has one of each. */
const printedBy = (group: string): ReadonlyArray<unknown> =>
  readdirSync(goldens)
    .filter((file) => file.startsWith(`${group}-`) || file === `${group}.txt`)
    .flatMap((file) => [
      ...readFileSync(path.join(goldens, file), "utf8").matchAll(/^\$ hydracore .*--json.*\n(\{[\s\S]*?^\})$/gm)
    ])
    .map(([, document = ""]) => JSON.parse(document))

/** The documents of the table. A row has one or several commands of a group. */
const documents = [...Documents.textOf("src/docs/commands.md").matchAll(/^\| (.*?[^\\]) \| (.*) \|$/gm)].flatMap(
  ([, first = "", second = ""]) => {
    const [, command = "", group = ""] = /`((\w+)(?: [a-z]+)*)/.exec(first) ?? []
    const shown = [...second.matchAll(/`(\{\w[^`]*\})`/g)].map(([, text = ""]) => ({ text, members: parse(text) }))
    return shown.map((document) => ({ command, group, ...document }))
  }
)

describe("the table of commands", () => {
  it("shows documents", () => {
    assert.isAbove(documents.length, 40)
  })

  it.each(documents)("shows what is printed: $command, $text", ({ group, members }) => {
    const printed = printedBy(group)
    assert.isTrue(
      printed.some((document) => agrees(document, members)),
      printed.map((document) => JSON.stringify(document)).join("\n")
    )
  })
})
