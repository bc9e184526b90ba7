/**
 * Locks a website's row, so that all processes together create at most as many as a maximum allows. Page views, submissions and
 * chats do not wait for this lock.
 *
 * @module
 */
import { PgTypes } from "@effect/sql-pg"
import type { PgClient } from "@effect/sql-pg/PgClient"
import { Effect } from "effect"
import type { SqlError } from "effect/sql"
import * as Database from "../../platform/postgres/Database.ts"

/**
 * Runs a creation in a transaction in which the website is locked. The creation reads the website itself, which may not exist.
 */
export const whileLocked =
  (sql: PgClient, websiteConfigId: string) =>
  <A, E>(creation: Effect.Effect<A, E | SqlError.SqlError>) =>
    sql`SELECT FROM site WHERE website_config_id = ${PgTypes.uuid(websiteConfigId)} FOR NO KEY UPDATE`.pipe(
      Effect.andThen(creation),
      sql.withTransaction,
      Database.mapErrors
    )
