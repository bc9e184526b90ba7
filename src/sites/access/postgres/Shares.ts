/**
 * Stores shares in PostgreSQL, with the digests of their secrets only. A lookup is cached for less than a second, so that a
 * revocation takes effect within a second. Expiry is checked on every call.
 *
 * @module
 */
import { randomBytes, randomUUID } from "node:crypto"
import { PgClient, PgTypes } from "@effect/sql-pg"
import { Clock, Effect, Layer, Option, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { mapErrors } from "../../../platform/postgres/Database.ts"
import * as Times from "../../../platform/postgres/Times.ts"
import { decodeRows } from "../../../platform/runtime/Rows.ts"
import { isCanonicalUuid } from "../../../platform/text/Uuid.ts"
import * as Credential from "../Credential.ts"
import * as Share from "../Share.ts"
import { Shares } from "../Shares.ts"
import * as SecretLookup from "./SecretLookup.ts"

const Row = Schema.Struct({
  digest: Schema.Uint8Array,
  shareId: Schema.String,
  websiteConfigId: Schema.String,
  label: Schema.NullOr(Schema.String),
  createdAt: Schema.Finite,
  expiresAt: Schema.NullOr(Schema.Finite)
})

const Rows = Schema.Array(Row)

const toShare = ({ digest: _, ...share }: typeof Row.Type): Share.Share => share

/** Selects shares, without those of websites that are being deleted. */
const select = `SELECT secret_sha256 AS digest, share_id AS "shareId", website_config_id AS "websiteConfigId", share.label,
    ${Times.millisAs("share.created_at", "createdAt")}, ${Times.millisAs("expires_at", "expiresAt")}
  FROM share JOIN site USING (website_config_id) WHERE site.deleted_at IS NULL`

const Ids = Schema.Array(Schema.Struct({ share_id: Schema.String }))

/** Deletes the shares that have expired by `now`. */
export const deleteExpired = (now: number) =>
  SqlClient.SqlClient.use((sql) => sql`DELETE FROM share WHERE expires_at <= ${new Date(now)}`)

export const layer: Layer.Layer<Shares, never, PgClient.PgClient> = Layer.effect(
  Shares,
  Effect.gen(function* () {
    const sql = yield* PgClient.PgClient

    const byDigest = yield* SecretLookup.make({
      find: (digest) => sql`${sql.literal(select)} AND secret_sha256 = ${digest}`.pipe(decodeRows(Rows))
    })

    return Shares.of({
      create: Effect.fnUntraced(function* ({ expiresAt, label, websiteConfigId }) {
        if (!isCanonicalUuid(websiteConfigId)) return Option.none()
        const secret = Share.secret.format(randomBytes(32))
        const shareId = randomUUID()
        const createdAt = yield* Clock.currentTimeMillis
        const rows = yield* sql`
            INSERT INTO share (share_id, secret_sha256, website_config_id, label, created_at, expires_at)
            SELECT ${PgTypes.uuid(shareId)}, ${PgTypes.bytea(Credential.digest(secret))}, website_config_id,
              ${PgTypes.text(label)}, ${PgTypes.timestamptz(createdAt)}, ${PgTypes.timestamptz(expiresAt)}
            FROM site WHERE website_config_id = ${PgTypes.uuid(websiteConfigId)} AND deleted_at IS NULL FOR KEY SHARE
            RETURNING share_id`.pipe(mapErrors, decodeRows(Ids))
        if (rows.length === 0) return Option.none()
        return Option.some({ secret, share: { shareId, websiteConfigId, label, createdAt, expiresAt } })
      }),
      authenticate: Effect.fnUntraced(function* (secret) {
        if (!Share.secret.isWellFormed(secret)) return Option.none()
        const digest = Credential.digest(secret)
        const found = Option.getOrUndefined(yield* byDigest(digest))
        if (found === undefined || !Credential.sameDigest(found.digest, digest)) return Option.none()
        const share = toShare(found)
        return Share.isValidAt(share, yield* Clock.currentTimeMillis) ? Option.some(share) : Option.none()
      }),
      list: Effect.fnUntraced(function* (websiteConfigId) {
        if (websiteConfigId !== null && !isCanonicalUuid(websiteConfigId)) return []
        const rows = yield* sql`${sql.literal(select)}
              AND (${websiteConfigId === null} OR website_config_id = ${PgTypes.uuid(websiteConfigId)})
            ORDER BY share.created_at, share_id`.pipe(mapErrors, decodeRows(Rows))
        const now = yield* Clock.currentTimeMillis
        return rows.map(toShare).filter((share) => Share.isValidAt(share, now))
      }),
      revoke: Effect.fnUntraced(function* ({ shareId, websiteConfigId }) {
        if (!isCanonicalUuid(shareId) || (websiteConfigId !== null && !isCanonicalUuid(websiteConfigId))) return false
        const named = sql`share_id = ${PgTypes.uuid(shareId)}
            AND (${websiteConfigId === null} OR website_config_id = ${PgTypes.uuid(websiteConfigId)})`
        const rows = yield* sql`DELETE FROM share WHERE ${named} RETURNING share_id`.pipe(mapErrors)
        return rows.length > 0
      })
    })
  })
)
