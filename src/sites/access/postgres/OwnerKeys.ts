/**
 * Issues and checks owner keys in PostgreSQL, which stores their digests only. A lookup is cached for less than a second, so
 * that a revocation takes effect within a second. Expiry is checked on every call.
 *
 * @module
 */
import { randomBytes, randomUUID } from "node:crypto"
import { PgClient, PgTypes } from "@effect/sql-pg"
import { Clock, Effect, Layer, Option, Schema } from "effect"
import { KeyId, WebsiteConfigId } from "../../../platform/Id.ts"
import * as Database from "../../../platform/postgres/Database.ts"
import { decodeRows, Time } from "../../../platform/runtime/Rows.ts"
import * as Calendar from "../../../platform/text/Calendar.ts"
import * as Maximums from "../../Maximums.ts"
import * as SiteLock from "../../postgres/SiteLock.ts"
import * as Credential from "../Credential.ts"
import * as Key from "../OwnerKey.ts"
import * as CredentialSql from "./CredentialSql.ts"

const { sites: _, ...fields } = Key.OwnerKey.fields

const Rows = Schema.Array(
  Schema.Struct({
    ...fields,
    digest: Schema.Uint8Array,
    all_sites: Schema.Boolean,
    sites: Schema.Array(WebsiteConfigId),
    created_at: Time,
    expires_at: Schema.NullOr(Time),
    revoked_at: Schema.NullOr(Time)
  })
)

const toKey = ({ all_sites, digest: _, sites, ...key }: (typeof Rows.Type)[number]): Key.OwnerKey => ({
  ...key,
  sites: all_sites ? "all" : sites
})

const columns = `key_sha256 AS digest, key_id, scope, all_sites, label, created_at, expires_at, revoked_at, issued_by,
  ARRAY(SELECT website_config_id::text FROM owner_key_site AS reached
    WHERE reached.key_id = owner_key.key_id ORDER BY 1) AS sites`

export const layer: Layer.Layer<Key.OwnerKeys, never, PgClient.PgClient> = Layer.effect(
  Key.OwnerKeys,
  Effect.gen(function* () {
    const sql = yield* PgClient.PgClient
    const whileLocked = yield* SiteLock.make

    const find = yield* CredentialSql.makeSecretLookup({
      isWellFormed: Key.isWellFormed,
      find: (digest) =>
        sql`SELECT ${sql.literal(columns)} FROM owner_key
            WHERE key_sha256 = ${digest}`.pipe(decodeRows(Rows))
    })

    const list = ({ limit, unrevoked, ...query }: Key.KeyQuery) =>
      CredentialSql.byIndex(
        sql,
        sql`SELECT ${sql.literal(columns)} FROM owner_key
              WHERE ${CredentialSql.condition(sql, CredentialSql.ownerKeys, query)}
                AND ${sql.literal(unrevoked ? "revoked_at IS NULL" : "true")}
              ORDER BY created_at, key_id LIMIT ${PgTypes.int8(BigInt(limit))}`
      ).pipe(
        Database.read(Rows),
        Effect.map((rows) => rows.map(toKey))
      )

    return Key.OwnerKeys.of({
      authenticate: Effect.fnUntraced(function* (key) {
        const found = Option.map(yield* find(key), toKey)
        const now = yield* Clock.currentTimeMillis
        return Option.filter(found, (one) => Credential.isValidAt(Key.validityOf(one), now))
      }),
      issue: Effect.fnUntraced(function* ({ callerSites = "all", expiresAt, issuedBy = null, label, scope, sites }) {
        const key = Key.format(randomBytes(32))
        const keyId = KeyId.make(randomUUID())
        const createdAt = yield* Clock.currentTimeMillis
        const rows = yield* CredentialSql.insert(sql, CredentialSql.ownerKeys, {
          sites,
          issuer: issuedBy,
          values: {
            key_id: PgTypes.uuid(keyId),
            key_sha256: PgTypes.bytea(Credential.digest(key)),
            scope: PgTypes.text(scope),
            label: PgTypes.text(label),
            created_at: PgTypes.timestamptz(createdAt),
            expires_at: PgTypes.timestamptz(expiresAt),
            issued_by: PgTypes.uuid(issuedBy)
          }
        }).pipe(
          CredentialSql.withinMaximums(
            whileLocked,
            callerSites
          )([
            { maximum: Maximums.keys, list: (query) => list({ ...query, unrevoked: true }) },
            { maximum: Maximums.storedKeys, list: (query) => list({ ...query, unrevoked: false }) }
          ])
        )
        return rows.length === 0
          ? Option.none()
          : Option.some({
              key_id: keyId,
              key,
              scope,
              sites: sites === "all" ? sites : [...new Set(sites)].sort(),
              label,
              created_at: Calendar.iso(createdAt),
              expires_at: Calendar.isoOrNull(expiresAt),
              revoked_at: null,
              issued_by: issuedBy
            })
      }),
      list,
      revoke: (keyId, options = {}) =>
        CredentialSql.revokeManaged(
          sql,
          CredentialSql.ownerKeys,
          keyId,
          options,
          Option.some(Credential.nothingRemains)
        )
    })
  })
)
