/**
 * Issues and checks widget tokens in PostgreSQL, which stores their digests only. A lookup is cached for less than a second, so
 * that a revocation takes effect within a second. Expiry is checked on every call.
 *
 * @module
 */
import { randomBytes, randomUUID } from "node:crypto"
import { PgClient, PgTypes } from "@effect/sql-pg"
import { Clock, Effect, Layer, Option, Schema } from "effect"
import type { InstanceId } from "../../platform/Id.ts"
import * as Database from "../../platform/postgres/Database.ts"
import * as Locks from "../../platform/postgres/Locks.ts"
import * as Lookup from "../../platform/postgres/Lookup.ts"
import * as Times from "../../platform/postgres/Times.ts"
import * as Rows from "../../platform/runtime/Rows.ts"
import { LimitReached } from "../../platform/Storage.ts"
import * as Credential from "../../sites/access/Credential.ts"
import type { Instance } from "../Instance.ts"
import type { Reach } from "../InstanceDirectory.ts"
import * as Token from "../WidgetToken.ts"
import { WidgetTokens } from "../WidgetTokens.ts"
import { instanceColumns, instanceFields, reached } from "./InstanceDirectory.ts"

const time = Schema.NullOr(Rows.Time)

const decodeTokens = Rows.decodeRows(
  Schema.Array(
    Schema.Struct({ ...Token.WidgetToken.fields, created_at: Rows.Time, expires_at: time, revoked_at: time })
  )
)

const tokenColumns = `token_id, label, widget_token.created_at, expires_at, revoked_at, token`

const TokensWithInstance = Schema.Array(
  Schema.Struct({
    ...instanceFields,
    digest: Schema.Uint8Array,
    expiresAt: Schema.NullOr(Schema.Finite),
    revokedAt: Schema.NullOr(Schema.Finite)
  })
)

const Counts = Schema.Tuple([Schema.Struct({ stored: Schema.Int, unrevoked: Schema.Int })])

/** The times of `Credential.Validity`. */
const validity = `${Times.millisAs("expires_at", "expiresAt")}, ${Times.millisAs("revoked_at", "revokedAt")}`

/** A token, by its digest, with its instance. */
interface TokenWithInstance {
  readonly digest: Uint8Array
  readonly expiresAt: number | null
  readonly revokedAt: number | null
  readonly instance: Instance
}

const toTokenWithInstance = ({
  digest,
  expiresAt,
  revokedAt,
  ...instance
}: (typeof TokensWithInstance.Type)[number]): TokenWithInstance => ({ digest, expiresAt, revokedAt, instance })

/** The instance of a found token, if the token has this digest and belongs to this instance, and is valid now. */
const instanceOf = (
  found: TokenWithInstance,
  digest: Uint8Array,
  instanceId: string
): Effect.Effect<Option.Option<Instance>> =>
  Effect.clockWith((clock) => {
    const { instance } = found
    const isValid =
      Credential.sameDigest(found.digest, digest) &&
      instance.instance_id === instanceId &&
      Credential.isValidAt(found, clock.currentTimeMillisUnsafe())
    return isValid ? Effect.succeedSome(instance) : Effect.succeedNone
  })

export interface Options {
  /** The maximum number of cached digests. Default: 10,000. */
  readonly capacity?: number
}

export const layer = (options: Options = {}): Layer.Layer<WidgetTokens, never, PgClient.PgClient> =>
  Layer.effect(
    WidgetTokens,
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const { capacity = 10_000 } = options
      const whileLocked = yield* Locks.rows("instance", "instance_id")

      const findByDigest = yield* Lookup.make<TokenWithInstance>({
        find: (digest) =>
          sql`
            SELECT token_sha256 AS digest, ${sql.literal(validity)}, ${sql.literal(instanceColumns)}
            FROM widget_token JOIN instance USING (instance_id)
            WHERE token_sha256 = ${PgTypes.bytea(Buffer.from(digest, "base64url"))}`.pipe(
            Database.read(TokensWithInstance),
            Effect.map(([found]) => Option.map(Option.fromUndefinedOr(found), toTokenWithInstance))
          ),
        foundTtl: "900 millis",
        unknownTtl: "900 millis",
        capacity
      })

      const authenticate: WidgetTokens["Service"]["authenticate"] = (instanceId, token) => {
        if (!Token.isWellFormed(token)) return Effect.succeedNone
        const digest = Credential.digest(token)
        return Effect.flatMap(findByDigest(Buffer.from(digest).toString("base64url")), (found) =>
          Option.isSome(found) ? instanceOf(found.value, digest, instanceId) : Effect.succeedNone
        )
      }

      const issue: WidgetTokens["Service"]["issue"] = Effect.fnUntraced(function* (request) {
        const { expiresAt, instanceId, label, reach } = request
        const token = Token.format(randomBytes(32))
        const createdAt = yield* Clock.currentTimeMillis
        const insert = sql`
            INSERT INTO widget_token (token_id, instance_id, token_sha256, token, label, created_at, expires_at)
            SELECT ${PgTypes.uuid(randomUUID())}, instance_id, ${PgTypes.bytea(Credential.digest(token))},
              ${PgTypes.text(token)}, ${PgTypes.text(label)}, ${PgTypes.timestamptz(createdAt)}, ${PgTypes.timestamptz(expiresAt)}
            FROM instance WHERE instance_id = ${PgTypes.uuid(instanceId)} AND ${reached(sql, reach)}
            RETURNING ${sql.literal(tokenColumns)}`.pipe(decodeTokens)
        const rows = yield* Effect.gen(function* () {
          const [counts] = yield* sql`SELECT count(*)::int AS stored,
              count(*) FILTER (WHERE revoked_at IS NULL)::int AS unrevoked
            FROM widget_token WHERE instance_id = ${PgTypes.uuid(instanceId)}`.pipe(Rows.decodeRows(Counts))
          const maximum = Token.reached(counts)
          return maximum === undefined ? yield* insert : yield* new LimitReached({ maximum })
        }).pipe(whileLocked(instanceId))
        return Option.map(Option.fromUndefinedOr(rows[0]), (issued) => ({ ...issued, token }))
      })

      /** The tokens of an instance that the caller reaches, or of any for null. */
      const within = (reach: Reach, instanceId: InstanceId | null) =>
        sql`widget_token.instance_id = instance.instance_id AND ${reached(sql, reach)}
          AND ${instanceId === null ? sql`true` : sql`instance.instance_id = ${PgTypes.uuid(instanceId)}`}`

      return WidgetTokens.of({
        authenticate,
        issue,
        revoke: Effect.fnUntraced(function* ({ instanceId, reach, tokenId }) {
          const now = yield* Clock.currentTimeMillis
          const rows = yield* sql`
            UPDATE widget_token SET revoked_at = coalesce(revoked_at, ${PgTypes.timestamptz(now)}), token = NULL
            FROM instance WHERE token_id = ${PgTypes.uuid(tokenId)} AND ${within(reach, instanceId)}
            RETURNING token_id`.pipe(Database.mapErrors)
          return rows.length > 0
        }),
        list: ({ after, instanceId, limit, reach, unrevoked }) => {
          const isAfter =
            after === null
              ? sql`true`
              : sql`(widget_token.created_at, token_id) > (${PgTypes.timestamptz(after.time)}, ${PgTypes.uuid(after.id)})`
          return sql`
            SELECT ${sql.literal(tokenColumns)} FROM widget_token, instance
            WHERE ${within(reach, instanceId)} AND ${sql.literal(unrevoked ? "revoked_at IS NULL" : "true")} AND ${isAfter}
            ORDER BY widget_token.created_at, token_id LIMIT ${PgTypes.int8(BigInt(limit))}`.pipe(
            Database.mapErrors,
            decodeTokens
          )
        }
      })
    })
  )
