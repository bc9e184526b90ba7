import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as TerminalText from "../../../src/platform/text/TerminalText.ts"

const Odd = Schema.Literals([
  "",
  "a",
  "日本",
  "é",
  "e\u0301",
  "👩‍👩‍👧",
  "\u001b[2J",
  "\u009b31m",
  "\n",
  "\u202e",
  "\ud800",
  "…"
])
const Text = Schema.TemplateLiteral([Odd, Schema.String, Odd])
const max = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 40 }))

/** A text without joiners or U+FFFD: `escape` and `inertJson` preserve joiners, and `printable` replaces them by U+FFFD. */
const withoutJoiners = (text: string) => text.replace(/\u200c|\u200d|\ufffd/g, "")

describe("platform/text/TerminalText", () => {
  it.prop("a printable text has no control characters", [Text], ([text]) => {
    const printed = TerminalText.printable(text)
    assert.notMatch(printed, /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029]/)
    assert.isTrue(printed.isWellFormed())
    assert.strictEqual(TerminalText.printable(printed), printed)
  })

  it.prop("Latin letters and parts of bars are one cell each, alone and beside a wide character", [Text], ([text]) => {
    const plain = `${text.replace(/[^ -~À-ɏ…]/gu, "")}█▎`
    assert.strictEqual(TerminalText.width(plain), plain.length)
    assert.strictEqual(TerminalText.width(`日${plain}`), 2 + plain.length)
  })

  it.prop("inert JSON has the same meaning and no control characters other than line feeds", [Text], ([text]) => {
    const json = JSON.stringify({ [text]: [text] }, null, 1)
    const inert = TerminalText.inertJson(json)
    assert.deepStrictEqual(JSON.parse(inert), JSON.parse(json))
    const shown = inert.replaceAll("\n", "")
    assert.strictEqual(withoutJoiners(TerminalText.printable(shown)), withoutJoiners(shown))
  })

  it.prop(
    "an escaped text is one line without control characters, and unescapes to the same text",
    [Text],
    ([text]) => {
      const escaped = TerminalText.escape(text)
      assert.strictEqual(withoutJoiners(TerminalText.printable(escaped)), withoutJoiners(escaped))
      assert.strictEqual(
        escaped.replace(/\\u([0-9a-f]{4})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16))),
        text.replace(/\\u([0-9a-f]{4})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)))
      )
    }
  )

  it.prop("a truncated text fits, and a text that fits is not truncated", [Text, max], ([text, most]) => {
    const printed = TerminalText.printable(text)
    const cut = TerminalText.truncate(printed, most)
    assert.isAtMost(TerminalText.width(cut), most)
    if (TerminalText.width(printed) <= most) assert.strictEqual(cut, printed)
    else assert.isTrue(cut.endsWith("…") && printed.startsWith(cut.slice(0, -1)))
  })

  it.prop("padding extends a text to a width on either side, and never truncates it", [Text, max], ([text, target]) => {
    const printed = TerminalText.printable(text)
    const width = Math.max(target, TerminalText.width(printed))
    assert.isTrue(TerminalText.padEnd(printed, target).startsWith(printed))
    assert.isTrue(TerminalText.padStart(printed, target).endsWith(printed))
    assert.strictEqual(
      TerminalText.padEnd(printed, target).length - printed.length,
      width - TerminalText.width(printed)
    )
    assert.strictEqual(TerminalText.padStart(printed, target).length, TerminalText.padEnd(printed, target).length)
  })

  it("measures characters of two cells and of none", () => {
    assert.strictEqual(TerminalText.width("file"), 4)
    assert.strictEqual(TerminalText.width("ファイル"), 8)
    assert.strictEqual(TerminalText.width("e\u0301"), 1)
    assert.strictEqual(TerminalText.width("🙂"), 2)
  })

  it.prop(
    "every row of a table is a line, and its columns are aligned",
    [Schema.Array(Schema.Tuple([Text, Schema.Literals(["x", "yy"])])).check(Schema.isMaxLength(6))],
    ([rows]) => {
      const lines = TerminalText.table(["NAME", "ID"], rows).split("\n")
      assert.strictEqual(lines.pop(), "")
      assert.strictEqual(lines.length, rows.length + 1)
      const starts = lines.map(
        (line, index) => TerminalText.width(line) - (index === 0 ? "ID" : rows[index - 1]![1]).length
      )
      assert.strictEqual(new Set(starts).size, 1)
    }
  )
})
