import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import type { Report } from "../../src/console/overview/Queries.ts"
import * as TableFile from "../../src/console/overview/TableFile.ts"

const report = (names: ReadonlyArray<string>) =>
  ({
    results: names.map((name, index) => ({ dimensions: [name], metrics: [index, index === 0 ? "<5" : null] }))
  }) as unknown as Report

/** The cells of a file in which each line is a quoted text and two numbers. */
const parse = (file: string): ReadonlyArray<readonly [string, string, string]> =>
  [...file.matchAll(/^"((?:[^"]|"")*)",([^,\r]*),([^,\r]*)\r\n/gm)].map(([, name = "", first = "", second = ""]) => [
    name.replaceAll('""', '"'),
    first,
    second
  ])

describe("console/overview/TableFile", () => {
  it.prop("every row is a record, and no cell begins a formula", [Schema.Array(Schema.String)], ([names]) => {
    const file = TableFile.of(["event:page"], ["visitors", "visits"], report(names))
    assert.isTrue(file.startsWith("event:page,visitors,visits\r\n"))
    const rows = parse(file.slice(file.indexOf("\n") + 1))
    assert.lengthOf(rows, names.length)
    rows.forEach(([name, first], index) => {
      assert.notMatch(name, /(^|[,;|])[\s"]*[=+\-@]/)
      assert.notMatch(name, /\p{Cc}/u)
      assert.strictEqual(first, String(index))
    })
  })

  it("a list that is split has a column for each dimension", () => {
    const split = { results: [{ dimensions: ["/a", "=NO"], metrics: [2] }] } as unknown as Report
    assert.strictEqual(
      TableFile.of(["event:page", "visit:country"], ["visitors"], split),
      'event:page,visit:country,visitors\r\n"/a","\'=NO",2\r\n'
    )
  })

  it("values are written as the page shows them", () => {
    const file = TableFile.of(["visit:source"], ["visitors", "visits"], report(["Direct / None", "Google"]))
    assert.deepStrictEqual(
      parse(file.slice(file.indexOf("\n") + 1)).map(([name]) => name),
      ["Direct", "Google"]
    )
  })

  it("the file is named after its website, its list and its days", () => {
    assert.strictEqual(
      TableFile.nameOf(["Ærø & Søn: <shop>", "Devices by country", "2026-11-01", "2026-11-30"]),
      "Ærø-Søn-shop-Devices-by-country-2026-11-01-2026-11-30.csv"
    )
    assert.strictEqual(TableFile.nameOf(["../..", "Pages", "2026-11-01"]), "Pages-2026-11-01.csv")
  })

  it("only formulas are escaped: other names and coarse counts stay as they are, and an absent number is empty", () => {
    const file = TableFile.of(["event:page"], ["visitors", "visits"], report(["/a,b", '"q"', "=1+1", "/a;=1"]))
    assert.deepStrictEqual(parse(file.slice(file.indexOf("\n") + 1)), [
      ["/a,b", "0", "<5"],
      ['"q"', "1", ""],
      ["'=1+1", "2", ""],
      ["/a;'=1", "3", ""]
    ])
  })

  it("the name of a property, which any link to the console can hold, neither begins a formula nor adds a column", () => {
    const file = TableFile.of(['event:props:a,=1+1"'], ["visitors"], report([]))
    assert.strictEqual(file, `"event:props:a,'=1+1""",visitors\r\n`)
  })
})
