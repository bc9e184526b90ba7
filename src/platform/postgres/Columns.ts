/**
 * Encodes rows as columns, each an array in PostgreSQL's binary format, for `unnest` to turn back into rows. Independent of
 * any table.
 *
 * The driver also encodes arrays, but value by value through a codec; for batches of many small values, this took as long as
 * parsing the requests. Here all columns of a batch go into one buffer, with one loop per type. All other parameters use the
 * driver's codecs.
 *
 * @module
 */
import { PgTypes } from "@effect/sql-pg"
import { Result, Schema } from "effect"
import * as Database from "./Database.ts"

/** A value cannot be encoded in its column's type. */
export class NotEncodable extends Schema.TaggedError<NotEncodable>()("NotEncodable", { column: Schema.String }) {}

/** A growable byte buffer. Call `reserve` before writing. */
class Output {
  bytes: Buffer
  at = 0

  constructor(size: number) {
    this.bytes = Buffer.allocUnsafe(size)
  }

  reserve(size: number): void {
    if (this.at + size <= this.bytes.length) return
    const grown = Buffer.allocUnsafe(Math.max(this.bytes.length * 2, this.at + size))
    this.bytes.copy(grown, 0, 0, this.at)
    this.bytes = grown
  }

  int32(value: number): void {
    const { at, bytes } = this
    bytes[at] = value >>> 24
    bytes[at + 1] = value >>> 16
    bytes[at + 2] = value >>> 8
    bytes[at + 3] = value
    this.at = at + 4
  }
}

/** Writes a non-null value, prefixed by its length; false if it cannot be encoded. */
type Write<A> = (output: Output, value: A) => boolean

/** A column of an `unnest`. */
export interface Column<Row> {
  readonly name: string
  readonly elementOid: number
  /** Writes the column's header and values; returns the number of nulls. */
  readonly write: (output: Output, rows: ReadonlyArray<Row>) => number
}

/** The size of an array's header in bytes: number of dimensions, null flag, element type, length and lower bound. */
const headerSize = 20

const make =
  <A extends NonNullable<unknown>>(elementOid: number, write: Write<A>) =>
  <Row>(name: string, valueOf: (row: Row) => A | null): Column<Row> => ({
    name,
    elementOid,
    write: (output, rows) => {
      let nulls = 0
      output.reserve(headerSize)
      const nullFlagAt = output.at + 4
      output.int32(1)
      output.int32(0)
      output.int32(elementOid)
      output.int32(rows.length)
      output.int32(1)
      for (let index = 0; index < rows.length; index++) {
        const value = valueOf(rows[index]!)
        if (value === null) {
          nulls++
          output.reserve(4)
          output.int32(-1)
        } else if (!write(output, value)) {
          throw new NotEncodable({ column: name })
        }
      }
      if (nulls > 0) output.bytes[nullFlagAt + 3] = 1
      return nulls
    }
  })

const { OID } = PgTypes

export const bool = make<boolean>(OID.bool, (output, value) => {
  output.reserve(5)
  output.int32(1)
  output.bytes[output.at++] = value ? 1 : 0
  return true
})

export const int2 = make<number>(OID.int2, (output, value) => {
  if (!Number.isInteger(value) || value < -32_768 || value > 32_767) return false
  output.reserve(6)
  output.int32(2)
  output.bytes[output.at++] = value >> 8
  output.bytes[output.at++] = value
  return true
})

export const int4 = make<number>(OID.int4, (output, value) => {
  if (value !== (value | 0)) return false
  output.reserve(8)
  output.int32(4)
  output.int32(value)
  return true
})

/** From an integer. Its exact value is written, also beyond 2^53. */
export const int8 = make<number>(OID.int8, (output, value) => {
  if (!Number.isInteger(value) || Math.abs(value) >= 2 ** 63) return false
  output.reserve(12)
  output.int32(8)
  output.int32(Math.floor(value / 2 ** 32))
  output.int32(value)
  return true
})

/** PostgreSQL's epoch, 2000-01-01, in milliseconds since 1970. */
const epochMillis = 946_684_800_000

/** The largest time value of a `Date`, in milliseconds since 1970. */
const lastMillis = 8.64e15

/** From whole milliseconds since 1970. */
export const timestamptz = make<number>(OID.timestamptz, (output, value) => {
  if (!Number.isInteger(value) || Math.abs(value) > lastMillis) return false
  output.reserve(12)
  output.int32(8)
  const micros = (value - epochMillis) * 1_000
  if (Number.isSafeInteger(micros)) {
    output.int32(Math.floor(micros / 2 ** 32))
    output.int32(micros)
  } else {
    output.at = output.bytes.writeBigInt64BE(BigInt(value - epochMillis) * 1_000n, output.at)
  }
  return true
})

/** Up to this many characters, a loop is faster than `Buffer.write`. */
const shortText = 48

/** Writes a text if it is ASCII; otherwise writes nothing and returns false. */
const tryWriteAscii = (output: Output, value: string): boolean => {
  const { at, bytes } = output
  for (let index = 0; index < value.length; index++) {
    const code = value.charCodeAt(index)
    if (code > 0x7f) return false
    bytes[at + index] = code
  }
  output.at = at + value.length
  return true
}

/** As UTF-8. A lone surrogate becomes U+FFFD; the database refuses a NUL. */
export const text = make<string>(OID.text, (output, value) => {
  // UTF-8 needs at most three bytes per UTF-16 unit.
  output.reserve(4 + value.length * 3)
  const length = output.at
  output.at += 4
  if (value.length > shortText || !tryWriteAscii(output, value)) output.at += output.bytes.write(value, output.at)
  const end = output.at
  output.at = length
  output.int32(end - length - 4)
  output.at = end
  return true
})

/** The value of a lower-case hexadecimal digit; negative for any other character. */
const digitOf = (code: number): number =>
  code >= 0x30 && code <= 0x39 ? code - 0x30 : code >= 0x61 && code <= 0x66 ? code - 0x57 : -1

/** Writes the bytes of the lower-case hexadecimal digits from `start` to `end`; false if another character is found. */
const tryWriteHex = (output: Output, value: string, start: number, end: number): boolean => {
  for (let index = start; index < end; index += 2) {
    const high = digitOf(value.charCodeAt(index))
    const low = digitOf(value.charCodeAt(index + 1))
    if (high < 0 || low < 0) return false
    output.bytes[output.at++] = high * 16 + low
  }
  return true
}

/** From the canonical form. */
export const uuid = make<string>(OID.uuid, (output, value) => {
  output.reserve(20)
  output.int32(16)
  return (
    value.length === 36 &&
    value[8] === "-" &&
    value[13] === "-" &&
    value[18] === "-" &&
    value[23] === "-" &&
    tryWriteHex(output, value, 0, 8) &&
    tryWriteHex(output, value, 9, 13) &&
    tryWriteHex(output, value, 14, 18) &&
    tryWriteHex(output, value, 19, 23) &&
    tryWriteHex(output, value, 24, 36)
  )
})

/** From lower-case hexadecimal digits. */
export const bytea = make<string>(OID.bytea, (output, value) => {
  const size = value.length >> 1
  output.reserve(4 + size)
  output.int32(size)
  return value.length % 2 === 0 && tryWriteHex(output, value, 0, value.length)
})

/** A codec that passes an encoded column through: the array's only element is the encoded bytes. */
const encodedColumn: PgTypes.Codec<ReadonlyArray<unknown>> = {
  encode: ([bytes]) =>
    bytes instanceof Uint8Array
      ? Result.succeed(bytes)
      : Result.fail(new PgTypes.CodecError({ message: "This client can only send encoded columns" })),
  decode: () => Result.fail(new PgTypes.CodecError({ message: "This client cannot decode arrays" }))
}

/** The type registry of a client that sends encoded columns. It can neither send other arrays nor decode any. */
export const types: PgTypes.Registry = PgTypes.makeRegistry()
for (const elementOid of [OID.bool, OID.bytea, OID.int2, OID.int4, OID.int8, OID.text, OID.timestamptz, OID.uuid]) {
  types.register(PgTypes.arrayOidFor(elementOid)!, encodedColumn)
}

/** A client with one dedicated connection, for encoded columns only. */
export const client = Database.dedicated({ types, isBounded: false })

/** The initial buffer size per row, in bytes. */
const rowSize = 256

/**
 * Encodes rows as one parameter per column, in the columns' order. A column that contains only nulls becomes null, which
 * `unnest` expands to nulls.
 */
export const parameters = <Row>(
  columns: ReadonlyArray<Column<Row>>,
  rows: ReadonlyArray<Row>
): Result.Result<ReadonlyArray<PgTypes.Parameter>, NotEncodable> => {
  const output = new Output(columns.length * headerSize + rows.length * rowSize)
  const ranges: Array<readonly [start: number, end: number] | null> = []
  try {
    for (const column of columns) {
      const start = output.at
      const nulls = column.write(output, rows)
      if (nulls === rows.length) output.at = start
      ranges.push(nulls === rows.length ? null : [start, output.at])
    }
  } catch (error) {
    if (error instanceof NotEncodable) return Result.fail(error)
    throw error
  }
  return Result.succeed(
    columns.map(({ elementOid }, index) => {
      const range = ranges[index]!
      const value = range === null ? null : [output.bytes.subarray(...range)]
      return Result.getOrThrow(PgTypes.array(value, elementOid))
    })
  )
}
