/**
 * The parameters of a statement that is assembled from parts.
 *
 * @module
 */

/** Times outside this range are replaced by its bounds, because ClickHouse cannot represent all times. No row has such a time. */
const earliest = 0
const latest = Date.UTC(2200, 0)

/** Collects parameters. Each method adds one, and returns the SQL of its value, such as `{p0:UUID}`. */
export class Parameters {
  readonly values: Record<string, unknown> = {}
  private count = 0

  private add(value: unknown, type: string): string {
    const name = `p${this.count++}`
    this.values[name] = value
    return `{${name}:${type}}`
  }

  uuid(value: string): string {
    return this.add(value, "UUID")
  }

  uuids(values: ReadonlyArray<string>): string {
    return this.add(values, "Array(UUID)")
  }

  text(value: string): string {
    return this.add(value, "String")
  }

  texts(values: ReadonlyArray<string>): string {
    return this.add(values, "Array(String)")
  }

  integers(values: ReadonlyArray<number>): string {
    return this.add(values, "Array(Int64)")
  }

  /** `YYYY-MM-DD`. */
  date(value: string): string {
    return this.add(value, "Date")
  }

  dates(values: ReadonlyArray<string>): string {
    return this.add(values, "Array(Date)")
  }

  /** An unsigned integer of 64 bits, as decimal digits. */
  number(value: string): string {
    return this.add(value, "UInt64")
  }

  /** Milliseconds since 1970. */
  time(value: number): string {
    const millis = Math.min(Math.max(value, earliest), latest)
    return `fromUnixTimestamp64Milli(${this.add(millis, "Int64")}, 'UTC')`
  }
}
