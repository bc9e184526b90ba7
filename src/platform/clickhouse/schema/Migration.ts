/**
 * One change of the tables.
 *
 * @module
 */
import type { Name, Target } from "./Tables.ts"

/**
 * ClickHouse has no transactions for changes of tables, so a migration may be interrupted and run again, or run in two processes
 * at once: each statement must do nothing if it was applied before (`IF NOT EXISTS`). While it runs, and until they are replaced,
 * processes of the version before still insert and read: a new column needs a default, which ClickHouse has for every type.
 */
export interface Migration {
  /** From 1, without gaps. */
  readonly id: number
  readonly name: string
  /** The tables that it creates. If one of them is missing, the migration and all later ones are applied again. */
  readonly creates: ReadonlyArray<Name>
  readonly statements: (target: Target) => ReadonlyArray<string>
}

/** The id and the name in one text, such as `0001_tables`. */
export const titleOf = ({ id, name }: Migration): string => `${String(id).padStart(4, "0")}_${name}`
