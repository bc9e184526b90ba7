import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Csv from "../../src/core/Csv.ts"
import { read } from "./CsvReader.ts"
import { cells, isFormula } from "./Spreadsheet.ts"

const danger = ["=", "+", "-", "@", "＝", "＋", "－", "＠"] as const
const Part = Schema.Union([
  Schema.Literals(["", '"', ",", ";", "|", "'", "\\", "\r\n", "\n", "\t", " ", "=1+1", "\u0000", "\u202e", ...danger]),
  Schema.String.check(Schema.isMaxLength(3))
])

/** Texts that are mostly made of what a reader of CSV, a spreadsheet or a terminal acts on. */
const Cell = Schema.TemplateLiteral([Part, Part, Part, Part, Part, Part])
const Cells = Schema.NonEmptyArray(Schema.NullOr(Cell)).check(Schema.isMaxLength(4))
const Records = Schema.Array(Cells).check(Schema.isMaxLength(4))
const Json = Schema.Record(Cell, Schema.Union([Cell, Schema.Int, Schema.Array(Schema.Union([Cell, Schema.Int]))]))

/** What every spreadsheet reads, whatever its separator. The comma counts only where quotes are honoured, as RFC 4180 says. */
const readings = (text: string): ReadonlyArray<string> =>
  ([";", "\t", "|"] as const)
    .flatMap((separator) => [...cells(text, separator, true), ...cells(text, separator, false)])
    .concat(cells(text, ",", true))

describe("core/Csv", () => {
  it("no separator makes a formula of what a visitor wrote", () => {
    const text = Csv.record(["a;=1+20;\r\n=1+21;", "b\t=1|=2\n=3", 'c;"=4', "d; =5"])
    assert.deepStrictEqual(readings(text).filter(isFormula), [])
  })

  it.prop("no cell begins a formula whatever separator is assumed, also after a line break", [Records], ([records]) => {
    assert.deepStrictEqual(readings(records.map(Csv.record).join("")).filter(isFormula), [])
  })

  it.prop(
    "nor does JSON in a cell, which keeps its meaning and needs no apostrophe",
    [Json, Cells],
    ([value, more]) => {
      const json = Csv.safeJson(JSON.stringify(value))
      assert.deepStrictEqual(JSON.parse(json), JSON.parse(JSON.stringify(value)))
      assert.strictEqual(Csv.safe(json), json)
      assert.deepStrictEqual(readings(Csv.record([...more, json])).filter(isFormula), [])
    }
  )

  it.prop("what is written is read back, cell by cell, made safe", [Records], ([records]) => {
    assert.deepStrictEqual(
      read(records.map(Csv.record).join("")),
      records.map((cells) => cells.map((cell) => Csv.safe(cell ?? "")))
    )
  })

  it.prop("a record is one line without control or bidirectional characters", [Cells], ([cells]) => {
    assert.match(Csv.record(cells), /^[^\p{Cc}\p{Bidi_C}\p{Cs}\u2028\u2029]*\r\n$/u)
  })

  it.prop("a safe text stays as it is", [Cell], ([cell]) => {
    assert.strictEqual(Csv.safe(Csv.safe(cell)), Csv.safe(cell))
  })

  it("ordinary texts stay as they are", () => {
    for (const text of ["ada@example.org", "a - b, c = d", "Rot; Grün", "x|y", "می‌خواهم 👩‍👩‍👧"]) {
      assert.strictEqual(Csv.safe(text), text)
    }
  })
})
