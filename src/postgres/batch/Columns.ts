/**
 * Writes rows as columns, each an array in PostgreSQL's binary form, for `unnest` to make rows of again. Generic: no table
 * is known here.
 *
 * The driver writes arrays too, value by value through a codec for each type and a sink for all; where a batch is many
 * small values, that took as long as reading the requests that they came from. Here the columns of a batch stand in one
 * buffer, written by a loop for each type. The driver's codecs stay in use for everything else.
 *
 * @module
 */
import { PgTypes } from "@effect/sql-pg"
import { Data, Result } from "effect"
import * as Database from "../Database.ts"

/** A value cannot be written in its column's type. */
export class NotWritable extends Data.TaggedError("NotWritable")<{ readonly column: string }> {}

/** Bytes that grow. Whoever writes reserves room first. */
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

/** Writes a value with its length before it; false if it cannot be. Null is not among the values. */
type Write<A> = (output: Output, value: A) => boolean

/** A column of an `unnest`: the type of its values, and how a row's is found. */
export interface Column<Row> {
  readonly name: string
  readonly elementOid: number
  /** Writes the column, header and values; gives how many of its values are null. */
  readonly write: (output: Output, rows: ReadonlyArray<Row>) => number
}

/** The array's dimensions, whether it holds nulls, its elements' type, its length and its lower bound. */
const headerSize = 20

const make =
  <A extends NonNullable<unknown>>(elementOid: number, write: Write<A>) =>
  <Row>(name: string, valueOf: (row: Row) => A | null): Column<Row> => ({
    name,
    elementOid,
    write: (output, rows) => {
      let nulls = 0
      output.reserve(headerSize)
      const hasNulls = output.at + 4
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
          throw new NotWritable({ column: name })
        }
      }
      if (nulls > 0) output.bytes[hasNulls + 3] = 1
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

/** Milliseconds from 1970 to 2000, from where PostgreSQL counts. */
const epochMillis = 946_684_800_000

/** The time furthest from 1970 that a `Date` holds, in milliseconds. */
const lastMillis = 8.64e15

/** Milliseconds since 1970, whole ones. */
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

/** Up to so many characters a loop is quicker than a call of Node's. */
const shortText = 48

const isWrittenAsAscii = (output: Output, value: string): boolean => {
  const { at, bytes } = output
  for (let index = 0; index < value.length; index++) {
    const code = value.charCodeAt(index)
    if (code > 0x7f) return false
    bytes[at + index] = code
  }
  output.at = at + value.length
  return true
}

/** In UTF-8; a lone surrogate becomes U+FFFD, and a NUL is the database's to refuse. */
export const text = make<string>(OID.text, (output, value) => {
  // Three bytes at most for each UTF-16 unit.
  output.reserve(4 + value.length * 3)
  const length = output.at
  output.at += 4
  if (value.length > shortText || !isWrittenAsAscii(output, value)) output.at += output.bytes.write(value, output.at)
  const end = output.at
  output.at = length
  output.int32(end - length - 4)
  output.at = end
  return true
})

/** The value of a hexadecimal digit; negative if it is none. */
const digitOf = (code: number): number =>
  code >= 0x30 && code <= 0x39 ? code - 0x30 : code >= 0x61 && code <= 0x66 ? code - 0x57 : -1

/** Writes the bytes that stand as lower-case digits from `start` to `end`; false if something else stands there. */
const isWrittenAsBytes = (output: Output, value: string, start: number, end: number): boolean => {
  for (let index = start; index < end; index += 2) {
    const high = digitOf(value.charCodeAt(index))
    const low = digitOf(value.charCodeAt(index + 1))
    if (high < 0 || low < 0) return false
    output.bytes[output.at++] = high * 16 + low
  }
  return true
}

/** In its canonical spelling. */
export const uuid = make<string>(OID.uuid, (output, value) => {
  output.reserve(20)
  output.int32(16)
  return (
    value.length === 36 &&
    value[8] === "-" &&
    value[13] === "-" &&
    value[18] === "-" &&
    value[23] === "-" &&
    isWrittenAsBytes(output, value, 0, 8) &&
    isWrittenAsBytes(output, value, 9, 13) &&
    isWrittenAsBytes(output, value, 14, 18) &&
    isWrittenAsBytes(output, value, 19, 23) &&
    isWrittenAsBytes(output, value, 24, 36)
  )
})

/** As lower-case hexadecimal digits. */
export const bytea = make<string>(OID.bytea, (output, value) => {
  const size = value.length >> 1
  output.reserve(4 + size)
  output.int32(size)
  return value.length % 2 === 0 && isWrittenAsBytes(output, value, 0, value.length)
})

/** What the driver is to take as it is: it stands alone in place of an array's values. */
const written: PgTypes.Codec<ReadonlyArray<unknown>> = {
  encode: ([bytes]) =>
    bytes instanceof Uint8Array
      ? Result.succeed(bytes)
      : Result.fail(new PgTypes.CodecError({ message: "Only columns that were written can be sent here" })),
  decode: () => Result.fail(new PgTypes.CodecError({ message: "No arrays can be read here" }))
}

/** The types of a client that columns are sent with. It can send no other arrays, and read none. */
export const types: PgTypes.Registry = PgTypes.makeRegistry()
for (const elementOid of [OID.bool, OID.bytea, OID.int2, OID.int4, OID.text, OID.timestamptz, OID.uuid]) {
  types.register(PgTypes.arrayOidFor(elementOid)!, written)
}

/** A client of one connection that columns are sent with, and nothing else. */
export const client = Database.dedicated({ types })

/** How many bytes a row has room for at first. */
const rowSize = 256

/**
 * The rows as one parameter for each column, in the columns' order. A column of nulls alone is null itself, from which
 * `unnest` makes the same.
 */
export const parameters = <Row>(
  columns: ReadonlyArray<Column<Row>>,
  rows: ReadonlyArray<Row>
): Result.Result<ReadonlyArray<PgTypes.Parameter>, NotWritable> => {
  const output = new Output(columns.length * headerSize + rows.length * rowSize)
  const places: Array<readonly [start: number, end: number] | null> = []
  try {
    for (const column of columns) {
      const start = output.at
      const nulls = column.write(output, rows)
      if (nulls === rows.length) output.at = start
      places.push(nulls === rows.length ? null : [start, output.at])
    }
  } catch (error) {
    if (error instanceof NotWritable) return Result.fail(error)
    throw error
  }
  return Result.succeed(
    columns.map(({ elementOid }, index) => {
      const place = places[index]!
      const value = place === null ? null : [output.bytes.subarray(...place)]
      return Result.getOrThrow(PgTypes.array(value, elementOid))
    })
  )
}
