import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Csv from "../../../src/platform/text/Csv.ts"
import { read } from "../../support/CsvReader.ts"
import { cells, isFormula } from "../../support/Spreadsheet.ts"

const danger = ["=", "+", "-", "@", "＝", "＋", "－", "＠"] as const
const Part = Schema.Union([
  Schema.Literals(["", '"', ",", ";", "|", "'", "\\", "\r\n", "\n", "\t", " ", "=1+1", "\u0000", "\u202e", ...danger]),
  Schema.String.check(Schema.isMaxLength(3))
])

/** Texts with many characters that are special in CSV, spreadsheets or terminals. */
const Cell = Schema.TemplateLiteral([Part, Part, Part, Part, Part, Part])
const Cells = Schema.NonEmptyArray(Schema.NullOr(Cell)).check(Schema.isMaxLength(4))
const Records = Schema.Array(Cells).check(Schema.isMaxLength(4))
const Json = Schema.Record(Cell, Schema.Union([Cell, Schema.Int, Schema.Array(Schema.Union([Cell, Schema.Int]))]))

/** The cells that spreadsheets read, with each separator, and with quotes recognized or ignored. */
const readings = (text: string): ReadonlyArray<string> =>
  ([",", ";", "\t", "|"] as const).flatMap((separator) => [
    ...cells(text, separator, true),
    ...cells(text, separator, false)
  ])

/**
 * The cells that spreadsheets read from JSON, except the negative numbers of its arrays. These follow commas, which separate
 * cells if quotes are ignored.
 */
const readingsOfJson = (text: string): ReadonlyArray<string> => [
  ...([";", "\t", "|"] as const).flatMap((separator) => [
    ...cells(text, separator, true),
    ...cells(text, separator, false)
  ]),
  ...cells(text, ",", true),
  ...cells(text, ",", false).filter((cell) => !/^-[0-9]/.test(cell))
]

const record = (cells: ReadonlyArray<string | null>) => Csv.record(cells.map(Csv.text))

describe("platform/text/Csv", () => {
  it("no separator turns a visitor's text into a formula", () => {
    const text = record(["a;=1+20;\r\n=1+21;", "b\t=1|=2\n=3", 'c;"=4', "d; =5", "e,=6"])
    assert.deepStrictEqual(readings(text).filter(isFormula), [])
    const json = Csv.record([Csv.json(JSON.stringify({ "a;=1": 'b|"=2', "=4": [1, -2, "d,=3", "=5"] }))])
    assert.deepStrictEqual(readingsOfJson(json).filter(isFormula), [])
  })

  it.prop("no cell begins with a formula, whatever the separator, also after a line break", [Records], ([records]) => {
    assert.deepStrictEqual(readings(records.map(record).join("")).filter(isFormula), [])
  })

  it.prop("JSON in a cell begins no formula and parses to the same value", [Json, Cells], ([value, more]) => {
    const json = Csv.safeJson(JSON.stringify(value))
    assert.deepStrictEqual(JSON.parse(json), JSON.parse(JSON.stringify(value)))
    const text = Csv.record([...more.map(Csv.text), Csv.json(json)])
    assert.deepStrictEqual(readingsOfJson(text).filter(isFormula), [])
    assert.strictEqual(read(text)[0]?.at(-1), json)
  })

  it.prop("a record parses to the safe texts of its cells", [Records], ([records]) => {
    assert.deepStrictEqual(
      read(records.map(record).join("")),
      records.map((cells) => cells.map((cell) => Csv.safe(cell ?? "")))
    )
  })

  it.prop("a record is one line without control or bidirectional characters", [Cells], ([cells]) => {
    assert.match(record(cells), /^[^\p{Cc}\p{Bidi_C}\p{Cs}\u2028\u2029]*\r\n$/u)
  })

  it.prop("a safe text does not change", [Cell], ([cell]) => {
    assert.strictEqual(Csv.safe(Csv.safe(cell)), Csv.safe(cell))
  })

  it("ordinary texts do not change", () => {
    for (const json of ['{"phone":"+49 1","n":[1,-2],"a":["+b","c"]}']) assert.strictEqual(Csv.safeJson(json), json)
    for (const text of ["ada@example.org", "a - b, c = d", "Rot; Grün", "x|y", "می‌خواهم 👩‍👩‍👧"]) {
      assert.strictEqual(Csv.safe(text), text)
    }
  })
})
