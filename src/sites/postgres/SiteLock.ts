/**
 * Locks the rows of websites, so that all processes together create at most as many as a maximum allows. Page views, submissions
 * and chats do not wait for this lock.
 *
 * @module
 */
import { type PgClient, PgTypes } from "@effect/sql-pg"
import { Effect } from "effect"
import type { Statement } from "effect/sql"
import type { WebsiteConfigId } from "../../platform/Id.ts"
import * as Locks from "../../platform/postgres/Locks.ts"
import { LimitReached } from "../../platform/Storage.ts"
import type { Maximum } from "../Maximums.ts"

export const make = Locks.rows("site", "website_config_id")

/**
 * Fails if a website has as many rows in a table as it may have. The website must be locked.
 *
 * @param counted the condition of the rows that count; by default all do
 */
export const requireRoom = Effect.fnUntraced(function* (
  sql: PgClient.PgClient,
  websiteConfigId: WebsiteConfigId,
  table: string,
  maximum: Maximum,
  counted: Statement.Fragment = sql.literal("true")
) {
  const rows = yield* sql`SELECT 1 FROM ${sql(table)} WHERE website_config_id = ${PgTypes.uuid(websiteConfigId)}
    AND ${counted} LIMIT ${PgTypes.int4(maximum.max)}`
  if (rows.length >= maximum.max) return yield* new LimitReached({ maximum })
})
