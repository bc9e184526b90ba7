/** Checks the marks of the blocks in the README and the guides. */
import { assert, describe, it } from "@effect/vitest"
import * as Documents from "./Documents.ts"

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
