/**
 * Finds and deletes the marks of spam that have a person's address. A single statement searches all of them: a website has few.
 *
 * @module
 */
import { type PgClient, PgTypes } from "@effect/sql-pg"
import { Effect, Schema, Stream } from "effect"
import * as SpamMarks from "../../forms/postgres/SpamMarks.ts"
import { WebsiteConfigId } from "../../platform/Id.ts"
import * as Database from "../../platform/postgres/Database.ts"
import { decodeRows } from "../../platform/runtime/Rows.ts"
import * as Person from "../Person.ts"
import * as Store from "./Store.ts"

const Rows = Schema.Array(Schema.Struct({ ...SpamMarks.fields, website_config_id: WebsiteConfigId }))

/** `$2` is a website, or null for all. */
const statement = `SELECT ${SpamMarks.columns}, website_config_id FROM spam_mark
  WHERE (${Store.mayContain("email", "$1")} OR ${Store.mayContainEncoded("text", "$1")})
    AND ($2::uuid IS NULL OR website_config_id = $2)
  ORDER BY created_at, mark_id`

export const make = (sql: PgClient.PgClient): Store.Store => ({
  search: (query) =>
    Stream.fromEffect(
      sql.unsafe(statement, [Store.needle(query), PgTypes.uuid(query.websiteConfigId)]).pipe(
        Database.mapErrors,
        decodeRows(Rows),
        Effect.map((rows) =>
          rows
            .filter(({ email, text }) =>
              [email, text].some((one) => one !== null && Person.isMentioned(one, query.address))
            )
            .map((mark): Store.FoundRecord => ({ record: { kind: "spam_mark", mark }, subject: mark.mark_id }))
        )
      )
    ),
  erase: (found) => {
    const ids = found.flatMap(({ record }) => (record.kind === "spam_mark" ? [record.mark.mark_id] : []))
    return sql`DELETE FROM spam_mark WHERE mark_id = ANY (${Database.array(ids, PgTypes.OID.uuid)})`.pipe(
      Database.mapErrors,
      Effect.as(ids.length)
    )
  }
})
