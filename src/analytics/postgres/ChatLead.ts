/**
 * The pending lead of a chat that begins (see `Leads`). Its id is random. It names the stored conversation only until its visit
 * is found, so that no row that is kept links the conversation to the visitor.
 *
 * @module
 */
import { PgTypes } from "@effect/sql-pg"
import type { SqlClient } from "effect/sql"
import type { InstanceId } from "../../platform/Id.ts"
import * as Database from "../../platform/postgres/Database.ts"

/**
 * A `SELECT` of the website of an instance, unless the website is being deleted. The argument is the SQL of the instance's id.
 * The limit makes the planner use an index.
 */
export const websiteOf = (instanceIdSql: string): string => `SELECT hosted_website_id
  FROM instance JOIN site USING (website_config_id)
  WHERE instance.instance_id = ${instanceIdSql} AND site.deleted_at IS NULL LIMIT 1`

const statement = `INSERT INTO pending_lead (lead_id, kind, hosted_website_id, visitor_hashes, received_at, conversation_key)
  SELECT $1, 'chat', hosted_website_id, $3, $4, $5 FROM (${websiteOf("$2")}) AS website
  ON CONFLICT DO NOTHING`

/** Stores a lead, once for each `leadId`. Does nothing for an instance without a website. */
export const insert = (
  sql: SqlClient.SqlClient,
  leadId: string,
  chat: {
    readonly instanceId: InstanceId
    readonly visitorHashes: ReadonlyArray<string>
    /** Milliseconds since 1970. */
    readonly receivedAt: number
    /** The stored conversation that begins; none if the conversation is not stored, or has begun before. */
    readonly conversationKey?: bigint | undefined
  }
) =>
  sql.unsafe(statement, [
    PgTypes.uuid(leadId),
    PgTypes.uuid(chat.instanceId),
    Database.texts(chat.visitorHashes),
    PgTypes.timestamptz(chat.receivedAt),
    PgTypes.int8(chat.conversationKey ?? null)
  ])
