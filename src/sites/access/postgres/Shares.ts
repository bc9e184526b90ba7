/**
 * Stores shares in PostgreSQL, with the digests of their secrets only. A lookup is cached for less than a second, so that a
 * revocation takes effect within a second. Expiry is checked on every call.
 *
 * @module
 */
import { randomBytes, randomUUID } from "node:crypto"
import { PgClient, PgTypes } from "@effect/sql-pg"
import { Clock, Effect, Layer, Option, Schema } from "effect"
import { ShareId, WebsiteConfigId } from "../../../platform/Id.ts"
import * as Database from "../../../platform/postgres/Database.ts"
import * as Rows from "../../../platform/runtime/Rows.ts"
import * as Calendar from "../../../platform/text/Calendar.ts"
import * as Maximums from "../../Maximums.ts"
import * as SiteLock from "../../postgres/SiteLock.ts"
import * as Credential from "../Credential.ts"
import * as Share from "../Share.ts"
import * as SharePassword from "../SharePassword.ts"
import * as CredentialSql from "./CredentialSql.ts"

const { share_id, has_password: _, ...fields } = Share.Share.fields

const Row = Schema.Struct({
  share_id,
  site_id: WebsiteConfigId,
  ...fields,
  created_at: Rows.Time,
  expires_at: Schema.NullOr(Rows.Time),
  digest: Schema.Uint8Array,
  password: Schema.NullOr(Schema.Uint8Array)
})

const ShareRows = Schema.Array(Row)

const toShare = ({ digest: _, password, ...share }: typeof Row.Type): Share.SiteShare => ({
  ...share,
  has_password: password !== null
})

/** Selects shares, without those of websites that are being deleted. */
const select = `SELECT secret_sha256 AS digest, share_id, website_config_id AS site_id, share.label, share.created_at, expires_at,
  numbers, password
  FROM share JOIN site USING (website_config_id) WHERE site.deleted_at IS NULL`

export const layer: Layer.Layer<Share.Shares, never, PgClient.PgClient> = Layer.effect(
  Share.Shares,
  Effect.gen(function* () {
    const sql = yield* PgClient.PgClient
    const whileLocked = yield* SiteLock.make

    const lookUp = yield* CredentialSql.makeSecretLookup({
      isWellFormed: Share.secret.isWellFormed,
      find: (digest) => sql`${sql.literal(select)} AND secret_sha256 = ${digest}`.pipe(Rows.decodeRows(ShareRows))
    })

    /** The row of a valid share. */
    const find = Effect.fnUntraced(function* (secret: string) {
      const found = yield* lookUp(secret)
      const now = yield* Clock.currentTimeMillis
      return Option.filter(found, (share) => Share.isValidAt(share, now))
    })

    return Share.Shares.of({
      create: Effect.fnUntraced(function* (
        websiteConfigId,
        { expiresAt, label, numbers = "protected", password = null }
      ) {
        const secret = Share.secret.format(randomBytes(32))
        const shareId = ShareId.make(randomUUID())
        const sealed = password === null ? null : yield* SharePassword.seal(password)
        const createdAt = yield* Clock.currentTimeMillis
        const now = PgTypes.timestamptz(createdAt)
        const rows = yield* SiteLock.requireRoom(
          sql,
          websiteConfigId,
          "share",
          Maximums.shares,
          // Expired shares do not count.
          sql`(expires_at IS NULL OR expires_at > ${now})`
        ).pipe(
          Effect.andThen(sql`INSERT INTO share
              (share_id, secret_sha256, website_config_id, label, created_at, expires_at, numbers, password)
            SELECT ${PgTypes.uuid(shareId)}, ${PgTypes.bytea(Credential.digest(secret))}, website_config_id,
              ${PgTypes.text(label)}, ${now}, ${PgTypes.timestamptz(expiresAt)}, ${PgTypes.text(numbers)}, ${PgTypes.bytea(sealed)}
            FROM site WHERE website_config_id = ${PgTypes.uuid(websiteConfigId)} AND deleted_at IS NULL RETURNING 1`),
          whileLocked(websiteConfigId)
        )
        if (rows.length === 0) return Option.none()
        const share = {
          share_id: shareId,
          site_id: websiteConfigId,
          label,
          numbers,
          has_password: password !== null,
          created_at: Calendar.iso(createdAt),
          expires_at: Calendar.isoOrNull(expiresAt)
        }
        return Option.some({ secret, share })
      }),
      authenticate: (secret) => Effect.map(find(secret), Option.map(toShare)),
      unlock: Effect.fnUntraced(function* (secret, password) {
        const found = Option.getOrUndefined(yield* find(secret))
        if (found === undefined || found.password === null) return Option.none()
        if (!(yield* SharePassword.matches(password, found.password))) return Option.none()
        const until = (yield* Clock.currentTimeMillis) + SharePassword.provenMillis
        return Option.some(SharePassword.proof(found.password, found.share_id, until))
      }),
      isUnlocked: Effect.fnUntraced(function* (secret, proof) {
        const found = Option.getOrUndefined(yield* find(secret))
        if (found === undefined) return false
        const now = yield* Clock.currentTimeMillis
        return found.password === null || SharePassword.isProof(proof, found.password, found.share_id, now)
      }),
      list: Effect.fnUntraced(function* (websiteConfigId) {
        const rows = yield* sql`${sql.literal(select)}
              AND (${websiteConfigId === null} OR website_config_id = ${PgTypes.uuid(websiteConfigId)})
            ORDER BY share.created_at, share_id`.pipe(Database.read(ShareRows))
        const now = yield* Clock.currentTimeMillis
        return rows.map(toShare).filter((share) => Share.isValidAt(share, now))
      }),
      revoke: Effect.fnUntraced(function* (websiteConfigId, shareId) {
        const rows = yield* sql`DELETE FROM share WHERE share_id = ${PgTypes.uuid(shareId)}
            AND website_config_id = ${PgTypes.uuid(websiteConfigId)} RETURNING share_id`.pipe(Database.mapErrors)
        return rows.length > 0
      })
    })
  })
)
