/**
 * The chat's text functions agree with the simpler regular expressions that would take quadratic time.
 */
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { chatUrl, safeHref, splitBare } from "../../src/browser/chat/Addresses.ts"
import { makeSentenceSplitter } from "../../src/browser/chat/Sentences.ts"

const page = "https://shop.example/a/b"

/** The regular expressions: correct, but quadratic. */
const model = {
  end: /[.!?…؟।]+["'”’»)\]]*\s+|[。！？]+[”’」』）]*\s*|\n+/g,

  /** The sentences of a text that is shorter than the splitter's limit. */
  sentences: (text: string): ReadonlyArray<string> => {
    const parts: Array<string> = []
    let from = 0
    for (const match of text.matchAll(model.end)) {
      const to = match.index + match[0].length
      if (/^\s*\p{N}+\.\s+$/u.test(text.slice(from, to))) continue
      parts.push(text.slice(from, to))
      from = to
    }
    return [...parts, text.slice(from)].map((part) => part.replace(/\s+/g, " ").trim()).filter((part) => part !== "")
  },

  splitBare: (text: string): ReadonlyArray<string> => {
    const [trailing = ""] = /[.,;:!?'"”’»]*$/.exec(text) ?? []
    const address = text.slice(0, text.length - trailing.length)
    const closing = address.at(-1) ?? ""
    const unopened = (opening: string) =>
      Array.from(address).filter((unit) => unit === opening).length <
      Array.from(address).filter((unit) => unit === closing).length
    return (closing === ")" && unopened("(")) || (closing === "]" && unopened("["))
      ? [address.slice(0, -1), closing + trailing]
      : [address, trailing]
  }
}

/** Texts that consist of these parts. */
const textOf = (...parts: readonly [string, ...Array<string>]) =>
  Schema.Array(Schema.Literals(parts)).pipe(Schema.check(Schema.isMaxLength(40)))

/** With quadratic time, a text of this length would take minutes. */
const longLength = 200_000

const shapes = [
  ".",
  " ",
  '"',
  ")",
  "(",
  "/",
  ' "',
  "' ",
  ".)",
  "\n",
  "1",
  "1. ",
  "。",
  "…\u201d",
  "http://",
  "<",
  "<>"
].map((shape) => shape.repeat(longLength / shape.length))

describe("the chat's text functions", () => {
  it.prop(
    "split sentences like the regular expression",
    [textOf(".", "!", "…", ")", "\u201d", "'", "。", "」", " ", "\n", "1", "1. ", "a", "\t")],
    ([parts]) => {
      const splitter = makeSentenceSplitter()
      const text = parts.join("")
      assert.deepStrictEqual([...splitter.add(text), ...splitter.flush()], model.sentences(text))
    }
  )

  it.prop(
    "split bare addresses like the regular expression",
    [textOf(".", ",", "?", "'", '"', "»", ")", "(", "[", "]", "a", "https://x.example/")],
    ([parts]) => {
      const text = parts.join("")
      assert.deepStrictEqual(splitBare(text), model.splitBare(text))
    }
  )

  it("reject addresses that are too long", () => {
    const address = page.padEnd(2048, "x")
    assert.strictEqual(safeHref(address, page), address)
    assert.isUndefined(safeHref(`${address}x`, page))
  })

  it("take linear time", () => {
    for (const shape of shapes) {
      for (const text of [shape, `${shape}a`, `a${shape}b`]) {
        const splitter = makeSentenceSplitter()
        const joined = [...splitter.add(text), ...splitter.flush()].join("")
        assert.strictEqual(joined.replace(/\s/g, ""), text.replace(/\s/g, ""))
        assert.strictEqual(splitBare(text).join(""), text)
        assert.isUndefined(safeHref(text, page))
        chatUrl("i", { script: page, base: text, page })
      }
    }
  })
})
