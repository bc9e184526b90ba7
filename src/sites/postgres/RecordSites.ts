/**
 * Finds the websites of records in PostgreSQL.
 *
 * @module
 */
import { PgTypes } from "@effect/sql-pg"
import { PgClient } from "@effect/sql-pg/PgClient"
import { Effect, Layer, Option, Schema } from "effect"
import { WebsiteConfigId } from "../../platform/Id.ts"
import * as Database from "../../platform/postgres/Database.ts"
import { decodeRows } from "../../platform/runtime/Rows.ts"
import { RecordSites } from "../RecordSites.ts"

const Rows = Schema.Array(Schema.Struct({ website_config_id: WebsiteConfigId }))

export const layer: Layer.Layer<RecordSites, never, PgClient> = Layer.effect(
  RecordSites,
  Effect.map(PgClient, (sql) =>
    RecordSites.of({
      // Each kind is the name of its table, whose id has the same name.
      siteOf: (kind, id) =>
        sql`SELECT website_config_id FROM ${sql(kind)} WHERE ${sql(`${kind}_id`)} = ${PgTypes.uuid(id)}
          ${kind === "submission" ? sql`UNION ALL SELECT website_config_id FROM deleted_submission WHERE submission_id = ${PgTypes.uuid(id)}` : sql``}`.pipe(
          Database.mapErrors,
          decodeRows(Rows),
          Effect.map(([row]) => Option.map(Option.fromUndefinedOr(row), ({ website_config_id: found }) => found))
        ),
      deleting: (name) =>
        sql`SELECT website_config_id FROM site WHERE deleted_at IS NOT NULL AND name = ${PgTypes.text(name)}`.pipe(
          Database.mapErrors,
          decodeRows(Rows),
          Effect.map((rows) => rows.map(({ website_config_id: found }) => found))
        )
    })
  )
)
