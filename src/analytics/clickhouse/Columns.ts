/**
 * Encodes the values of a row, and checks that their columns can hold them. ClickHouse silently changes some values that a column
 * cannot hold: 70,000 in a UInt16 becomes 4,464, and a time out of range becomes the first or last possible one. Pure.
 *
 * @module
 */

import { isCanonicalUuid } from "../../platform/Id.ts"
import * as EventLimits from "../EventLimits.ts"
import type * as StoredView from "../StoredView.ts"

export interface Column<Row> {
  readonly name: string
  /** The JSON value; undefined if the column cannot hold it. */
  readonly read: (row: Row) => unknown
}

/** Makes a kind of column. `write` returns undefined for a value that the column cannot hold. */
const column =
  <A>(write: (value: A) => unknown) =>
  <Row>(name: string, valueOf: (row: Row) => A): Column<Row> => ({ name, read: (row) => write(valueOf(row)) })

const orNull =
  <A>(write: (value: A) => unknown) =>
  (value: A | null): unknown =>
    value === null ? null : write(value)

/** The last millisecond of ClickHouse's last `Date`. Later times are rejected, because the tables are sorted by day. */
const lastMillis = Date.UTC(2149, 5, 7) - 1

/** Any text without a lone surrogate. */
const writeText = (value: string): unknown => (value.isWellFormed() ? value : undefined)

export const uuid = column((value: string) => (isCanonicalUuid(value) ? value : undefined))

/** 16 bytes, from 32 lower-case hexadecimal digits. */
export const hash = column((value: string) => (/^[0-9a-f]{32}$/.test(value) ? value : undefined))

/** From whole milliseconds since 1970. */
export const time = column((value: number) =>
  Number.isInteger(value) && value >= 0 && value <= lastMillis ? value : undefined
)

export const text = column(writeText)

export const textOrNull = column(orNull(writeText))

/** An unsigned 16-bit integer. */
export const uint16OrNull = column(
  orNull((value: number) => (Number.isInteger(value) && value >= 0 && value <= 65_535 ? value : undefined))
)

/** Names and texts, without lone surrogates. Built with `fromEntries`, because a name can be `__proto__`. */
export const textMap = column((entries: ReadonlyArray<readonly [name: string, text: string]>) =>
  entries.every(([name, text]) => name.isWellFormed() && text.isWellFormed()) ? Object.fromEntries(entries) : undefined
)

export const bool = column((value: boolean) => value)

/** A decimal with three digits after the point. Up to this limit, JavaScript numbers are precise to a thousandth. */
export const thousandthsOrNull = column(
  orNull((value: number) => (Math.abs(value) <= EventLimits.limits.amount ? value.toFixed(3) : undefined))
)

/** How a column of page views or events is written. */
export const ofStored = <Row>(column: StoredView.Column<Row>): Column<Row> => {
  switch (column.type) {
    case "text":
      return text(column.name, column.of)
    case "hash":
      return hash(column.name, column.of)
    case "optional-text":
      return textOrNull(column.name, column.of)
    case "optional-integer":
      return uint16OrNull(column.name, column.of)
  }
}

/** The values of a row in the order of the columns; undefined if a column cannot hold its value. */
export const valuesOf = <Row>(columns: ReadonlyArray<Column<Row>>, row: Row): ReadonlyArray<unknown> | undefined => {
  const values: Array<unknown> = []
  for (const { read } of columns) {
    const value = read(row)
    if (value === undefined) return undefined
    values.push(value)
  }
  return values
}
