/**
 * The parameters of a statement that is assembled from parts.
 *
 * @module
 */
import { PgTypes } from "@effect/sql-pg"
import * as Database from "../../../platform/postgres/Database.ts"

/** Collects parameters. Each method adds one, and returns its placeholder with its type, such as `$1::uuid`. */
export class Parameters {
  readonly values: Array<PgTypes.Parameter> = []

  private add(value: PgTypes.Parameter, type: string): string {
    this.values.push(value)
    return `$${this.values.length}::${type}`
  }

  uuid(value: string): string {
    return this.add(PgTypes.uuid(value), "uuid")
  }

  uuids(values: ReadonlyArray<string>): string {
    return this.add(Database.uuids(values), "uuid[]")
  }

  text(value: string): string {
    return this.add(PgTypes.text(value), "text")
  }

  texts(values: ReadonlyArray<string>): string {
    return this.add(Database.texts(values), "text[]")
  }

  integers(values: ReadonlyArray<number>): string {
    return this.add(Database.int4s(values), "int4[]")
  }

  date(value: string): string {
    return this.add(PgTypes.date(value), "date")
  }

  dates(values: ReadonlyArray<string>): string {
    return this.add(Database.dates(values), "date[]")
  }

  /** Milliseconds since 1970. */
  time(value: number): string {
    return this.add(PgTypes.timestamptz(value), "timestamptz")
  }

  /** Milliseconds since 1970. */
  times(values: ReadonlyArray<number>): string {
    return this.add(Database.timestamps(values), "timestamptz[]")
  }
}
