import { PgClient, PgTypes } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Result, Schema } from "effect"
import { Reactivity } from "effect/reactivity"
import * as Columns from "../../../src/platform/postgres/Columns.ts"
import * as TestDatabase from "../../support/postgres/TestDatabase.ts"

const int = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

const hexOf = (bytes: ReadonlyArray<number>): string => Buffer.from(bytes).toString("hex")

/** A uuid that begins with these bytes. */
const uuidOf = (bytes: ReadonlyArray<number>): string =>
  hexOf([...bytes, ...Array<number>(16).fill(0)].slice(0, 16)).replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-")

const Row = Schema.Struct({
  flag: Schema.Boolean,
  small: Schema.NullOr(int(-32_768, 32_767)),
  whole: Schema.NullOr(int(-2_147_483_648, 2_147_483_647)),
  text: Schema.NullOr(Schema.String),
  /** The number of repetitions of the text. Long texts are encoded by another method than short ones. */
  times: int(1, 80),
  /** Within the range in which the driver does not round. */
  at: int(-8_000_000_000_000, 8_000_000_000_000),
  id: Schema.Array(int(0, 255)),
  bytes: Schema.NullOr(Schema.Array(int(0, 255)))
})
type Row = typeof Row.Type

const textOf = ({ text, times }: Row): string | null => text?.repeat(times) ?? null

const columns: ReadonlyArray<Columns.Column<Row>> = [
  Columns.bool("flag", ({ flag }) => flag),
  Columns.int2("small", ({ small }) => small),
  Columns.int4("whole", ({ whole }) => whole),
  Columns.text("text", textOf),
  Columns.timestamptz("at", ({ at }) => at),
  Columns.uuid("id", ({ id }) => uuidOf(id)),
  Columns.bytea("bytes", ({ bytes }) => (bytes === null ? null : hexOf(bytes)))
]

const valuesOf: ReadonlyArray<(row: Row) => unknown> = [
  ({ flag }) => flag,
  ({ small }) => small,
  ({ whole }) => whole,
  textOf,
  ({ at }) => at,
  ({ id }) => uuidOf(id),
  ({ bytes }) => (bytes === null ? null : Uint8Array.from(bytes))
]

const bytesOf = (parameter: PgTypes.Parameter, registry?: PgTypes.Registry): Buffer | null => {
  const bytes = Result.getOrThrow(PgTypes.encodeParameter(parameter, registry))
  return bytes === null ? null : Buffer.from(bytes)
}

describe("platform/postgres/Columns", () => {
  it.prop("encodes as the driver does, and a column of nulls as null", [Schema.NonEmptyArray(Row)], ([rows]) => {
    const parameters = Result.getOrThrow(Columns.parameters(columns, rows))
    for (const [index, valueOf] of valuesOf.entries()) {
      const values = rows.map(valueOf)
      const expected = Result.getOrThrow(PgTypes.array(values, columns[index]!.elementOid))
      assert.strictEqual(parameters[index]!.oid, expected.oid)
      assert.deepStrictEqual(
        bytesOf(parameters[index]!, Columns.types),
        values.every((value) => value === null) ? null : bytesOf(expected)
      )
    }
  })

  it.prop("encodes every integer of up to eight bytes that a number represents exactly", [Schema.Int], ([count]) => {
    for (const value of [count, count * 1_024, -(2 ** 53), 2 ** 62]) {
      const [parameter] = Result.getOrThrow(Columns.parameters([Columns.int8("it", () => value)], [0]))
      assert.strictEqual(bytesOf(parameter!, Columns.types)?.readBigInt64BE(24), BigInt(value))
    }
  })

  it.prop("encodes every time exactly", [int(-8.64e15, 8.64e15)], ([millis]) => {
    const column = Columns.timestamptz("it", (at: number) => at)
    const [parameter] = Result.getOrThrow(Columns.parameters([column], [millis]))
    const epoch = BigInt(Date.UTC(2000, 0, 1))
    assert.strictEqual(bytesOf(parameter!, Columns.types)?.readBigInt64BE(24), (BigInt(millis) - epoch) * 1_000n)
  })

  const invalid: ReadonlyArray<readonly [string, Columns.Column<unknown>]> = [
    ["an integer of more than two bytes", Columns.int2("it", () => 32_768)],
    ["an integer of more than eight bytes", Columns.int8("it", () => 2 ** 63)],
    ["a number that is not an integer", Columns.int2("it", () => 1.5)],
    ["an integer of more than four bytes", Columns.int4("it", () => 2_147_483_648)],
    ["NaN", Columns.int4("it", () => Number.NaN)],
    ["NaN as a time", Columns.timestamptz("it", () => Number.NaN)],
    ["an infinite time", Columns.timestamptz("it", () => Number.POSITIVE_INFINITY)],
    ["an empty id", Columns.uuid("it", () => "")],
    ["an id with a letter that is not hexadecimal", Columns.uuid("it", () => "0190f5c2-0000-7000-8000-00000000000g")],
    ["an id without hyphens", Columns.uuid("it", () => "0190f5c2 0000 7000 8000 000000000000")],
    ["an odd number of hexadecimal digits", Columns.bytea("it", () => "abc")],
    ["digits that are not ASCII", Columns.bytea("it", () => "٣٣")]
  ]
  it.each(invalid)("refuses %s", (_, column) => {
    const encoded = Columns.parameters([column], [{}])
    const refusedColumn = Option.map(Result.getFailure(encoded), (error) => error.column)
    assert.deepStrictEqual(refusedColumn, Option.some("it"))
  })

  it.live("the database reads the encoded columns as the same rows", () =>
    Effect.gen(function* () {
      const { url } = yield* TestDatabase.connection
      const sql = yield* PgClient.make({ url, maxConnections: 1, types: Columns.types })
      const ids = [[...Array(16).keys()], Array.from({ length: 16 }, () => 255)]
      const rows: ReadonlyArray<Row> = [
        { flag: true, small: null, whole: 70_000, text: null, times: 1, at: 0, id: ids[0]!, bytes: null },
        { flag: false, small: -2, whole: -70_000, text: "ä€😀", times: 50, at: -1, id: ids[1]!, bytes: null }
      ]
      const decoded = yield* sql.unsafe(
        `SELECT flag, small, whole, text, (extract(epoch FROM at) * 1000)::float8 AS at, id, bytes
          FROM unnest($1, $2, $3, $4, $5, $6, $7) AS it (flag, small, whole, text, at, id, bytes)`,
        Result.getOrThrow(Columns.parameters(columns, rows))
      )
      assert.deepStrictEqual(
        decoded,
        rows.map((row) => ({
          flag: row.flag,
          small: row.small,
          whole: row.whole,
          text: textOf(row),
          at: row.at,
          id: uuidOf(row.id),
          bytes: null
        }))
      )
    }).pipe(Effect.scoped, Effect.provide(Reactivity.layer))
  )
})
