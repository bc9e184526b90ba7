/**
 * Stores the rules of forms in PostgreSQL. A submission's lookup reads its website and the rules in one query, which is cached
 * for less than a second, so that a change applies within a second and a busy website costs one query per second.
 *
 * @module
 */
import { PgClient, PgTypes } from "@effect/sql-pg"
import { Clock, Effect, Layer, Option, Schema } from "effect"
import * as Database from "../../platform/postgres/Database.ts"
import * as Lookup from "../../platform/postgres/Lookup.ts"
import * as Rows from "../../platform/runtime/Rows.ts"
import * as Maximums from "../../sites/Maximums.ts"
import * as SiteDirectory from "../../sites/postgres/SiteDirectory.ts"
import * as SiteLock from "../../sites/postgres/SiteLock.ts"
import { Form, FormDirectory, FormRefused, FormRules, type SiteForms } from "../FormRules.ts"

export interface Options {
  /** The maximum number of cached websites. Default: 10,000. */
  readonly capacity?: number
}

const SiteRows = Schema.Array(
  Schema.Struct({
    ...SiteDirectory.SiteRow.fields,
    forms: Schema.NullOr(Schema.fromJsonString(Schema.Array(Schema.Struct({ page: Schema.String, rules: FormRules })))),
    addresses: Schema.Array(Schema.String),
    textDigests: Schema.Array(Schema.String)
  })
)

const toSiteForms = ({ addresses, forms, textDigests, ...site }: (typeof SiteRows.Type)[number]): SiteForms => ({
  site,
  forms: new Map(forms?.map(({ page, rules }) => [page, rules])),
  marks: { addresses: new Set(addresses), textDigests: new Set(textDigests) }
})

const FormRows = Schema.Array(
  Schema.Struct({
    ...Form.fields,
    rules: Schema.fromJsonString(FormRules),
    created_at: Rows.Time,
    updated_at: Rows.Time
  })
)

const columns = "page, rules::text AS rules, form.created_at, form.updated_at"

export const layer = ({ capacity = 10_000 }: Options = {}): Layer.Layer<FormDirectory, never, PgClient.PgClient> =>
  Layer.effect(
    FormDirectory,
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const whileLocked = yield* SiteLock.make

      const bySite = yield* Lookup.make<SiteForms>({
        find: (id) =>
          sql`SELECT ${sql.literal(SiteDirectory.columns)},
              (SELECT json_agg(json_build_object('page', page, 'rules', rules))::text FROM form
                WHERE form.website_config_id = site.website_config_id) AS forms,
              ARRAY(SELECT DISTINCT email FROM spam_mark
                WHERE spam_mark.website_config_id = site.website_config_id AND email IS NOT NULL) AS addresses,
              ARRAY(SELECT DISTINCT encode(text_sha256, 'hex') FROM spam_mark
                WHERE spam_mark.website_config_id = site.website_config_id AND text_sha256 IS NOT NULL) AS "textDigests"
            FROM site WHERE website_config_id = ${PgTypes.uuid(id)} AND deleted_at IS NULL`.pipe(
            Database.read(SiteRows),
            Effect.map((rows) => Option.map(Option.fromUndefinedOr(rows[0]), toSiteForms))
          ),
        foundTtl: "900 millis",
        unknownTtl: "900 millis",
        capacity
      })

      return FormDirectory.of({
        bySite,
        put: Effect.fnUntraced(function* ({ page, rules, websiteConfigId }, only) {
          const now = yield* Clock.currentTimeMillis
          const [site, name, at] = [PgTypes.uuid(websiteConfigId), PgTypes.text(page), PgTypes.timestamptz(now)]
          return yield* Effect.gen(function* () {
            // The lock serializes the changes. Submissions do not wait for it.
            const found = yield* sql`SELECT 1 FROM form WHERE website_config_id = ${site} AND page = ${name}`
            const exists = found.length > 0
            if (only === (exists ? "set" : "replace")) return yield* new FormRefused({ exists })
            if (!exists) yield* SiteLock.requireRoom(sql, websiteConfigId, "form", Maximums.forms)
            const [form] = yield* sql`INSERT INTO form (website_config_id, page, rules, created_at, updated_at)
              SELECT website_config_id, ${name}, ${PgTypes.text(JSON.stringify(rules))}::json, ${at}, ${at}
              FROM site WHERE website_config_id = ${site} AND deleted_at IS NULL
              ON CONFLICT (website_config_id, page) DO UPDATE SET rules = excluded.rules, updated_at = excluded.updated_at
              RETURNING ${sql.literal(columns)}`.pipe(Rows.decodeRows(FormRows))
            return Option.fromUndefinedOr(form)
          }).pipe(whileLocked(websiteConfigId))
        }),
        list: (id) =>
          sql`SELECT ${sql.literal(columns)} FROM form JOIN site USING (website_config_id)
            WHERE website_config_id = ${PgTypes.uuid(id)} AND deleted_at IS NULL ORDER BY page`.pipe(
            Database.read(FormRows)
          ),
        delete: Effect.fnUntraced(function* (id, page) {
          const rows = yield* sql`DELETE FROM form USING site WHERE form.website_config_id = site.website_config_id
            AND form.website_config_id = ${PgTypes.uuid(id)} AND page = ${PgTypes.text(page)} AND deleted_at IS NULL
            RETURNING 1`.pipe(Database.mapErrors)
          return rows.length > 0
        })
      })
    })
  )
