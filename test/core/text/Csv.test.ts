import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Csv from "../../../src/core/text/Csv.ts"
import { read } from "../../support/CsvReader.ts"

const danger = ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"] as const
const Sting = Schema.Literals(["", '"', ",", ";", "'", "\r\n", "=1+1", "\u0000", ...danger])

/** Texts of which many begin with, end with or hold what a reader of CSV might trip over. */
const Cell = Schema.TemplateLiteral([Sting, Schema.String, Sting])
const Cells = Schema.NonEmptyArray(Schema.NullOr(Cell)).check(Schema.isMaxLength(6))
const Records = Schema.Array(Cells).check(Schema.isMaxLength(5))

describe("core/text/Csv", () => {
  it.prop("what is written is read back, cell by cell, made safe", [Records], ([records]) => {
    assert.deepStrictEqual(
      read(records.map(Csv.record).join("")),
      records.map((cells) => cells.map((cell) => Csv.safe(cell ?? "")))
    )
  })

  it.prop("no cell begins with what a spreadsheet calculates", [Records], ([records]) => {
    for (const cell of read(records.map(Csv.record).join("")).flat()) {
      assert.isFalse(danger.some((start) => cell.startsWith(start)))
      assert.isFalse(Csv.isDangerous(cell))
    }
  })

  it.prop("a cell loses nothing but gains at most an apostrophe", [Cell], ([cell]) => {
    assert.strictEqual(Csv.safe(cell), danger.some((start) => cell.startsWith(start)) ? `'${cell}` : cell)
    assert.strictEqual(Csv.safe(Csv.safe(cell)), Csv.safe(cell))
  })
})
