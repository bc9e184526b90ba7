/**
 * Stores webhooks in PostgreSQL, their secrets encrypted with `SECRETS_KEY`. Keeps `site.has_subscribers` true while the
 * website has a webhook or a notification.
 *
 * @module
 */
import { randomBytes, randomUUID } from "node:crypto"
import { PgClient, PgTypes } from "@effect/sql-pg"
import { Clock, Effect, Layer, Option, Redacted, Schema } from "effect"
import type { SqlError } from "effect/sql"
import { WebhookId, type WebsiteConfigId } from "../../platform/Id.ts"
import * as Database from "../../platform/postgres/Database.ts"
import * as Rounds from "../../platform/rounds/Rounds.ts"
import { decodeRows } from "../../platform/runtime/Rows.ts"
import { LimitReached } from "../../platform/Storage.ts"
import * as Maximums from "../../sites/Maximums.ts"
import * as SiteLock from "../../sites/postgres/SiteLock.ts"
import { rotationMillis, SecretsKeyUnusable, Webhooks } from "../Webhook.ts"
import * as WebhookSender from "../WebhookSender.ts"
import * as Rows from "./WebhookRows.ts"

export interface Options {
  /** The key of 32 bytes that encrypts the secrets. */
  readonly secretsKey: Option.Option<Redacted.Redacted<Uint8Array>>
}

const Found = Schema.Array(Schema.Struct(Rows.storedFields))
const WithSecrets = Schema.Array(Schema.Struct({ ...Rows.receiverFields, ...Rows.secretFields }))
const Counted = Schema.Tuple([Schema.Struct({ count: Schema.Int })])

/** Waits for a transaction that adds a subscriber of a website or deletes the website at the same time. */
const lockSite = (sql: PgClient.PgClient, websiteConfigId: WebsiteConfigId) =>
  sql`SELECT 1 FROM site WHERE website_config_id = ${PgTypes.uuid(websiteConfigId)} FOR NO KEY UPDATE`

/** Updates `site.has_subscribers`. */
export const refreshSubscribers = (
  sql: PgClient.PgClient,
  websiteConfigId: WebsiteConfigId
): Effect.Effect<unknown, SqlError.SqlError> => {
  const id = PgTypes.uuid(websiteConfigId)
  return Effect.andThen(
    lockSite(sql, websiteConfigId),
    sql`UPDATE site SET has_subscribers = EXISTS (SELECT FROM webhook WHERE website_config_id = ${id})
      OR EXISTS (SELECT FROM notification WHERE website_config_id = ${id})
      OR EXISTS (SELECT FROM auto_reply WHERE website_config_id = ${id}) WHERE website_config_id = ${id}`
  )
}

export const layer = ({ secretsKey }: Options): Layer.Layer<Webhooks, never, PgClient.PgClient> =>
  Layer.effect(
    Webhooks,
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const whileLocked = yield* SiteLock.make
      const transaction = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
        effect.pipe(sql.withTransaction, Database.mapErrors)
      const key = Option.match(secretsKey, {
        onNone: () => Effect.fail(new SecretsKeyUnusable({ reason: "missing" })),
        onSome: (secret) => Effect.succeed(Redacted.value(secret))
      })
      const newSecret = Effect.sync(() => WebhookSender.formatSecret(randomBytes(WebhookSender.secretBytes)))
      const first = ([row]: typeof Found.Type) => Option.map(Option.fromUndefinedOr(row), Rows.toWebhook)
      /** The webhook of a website. */
      const named = (websiteConfigId: WebsiteConfigId, webhookId: WebhookId) =>
        sql`website_config_id = ${PgTypes.uuid(websiteConfigId)} AND webhook_id = ${PgTypes.uuid(webhookId)}`

      const create: Webhooks["Service"]["create"] = Effect.fnUntraced(function* (websiteConfigId, given) {
        const sealingKey = yield* key
        const secret = yield* newSecret
        const webhookId = WebhookId.make(randomUUID())
        const createdAt = yield* Clock.currentTimeMillis
        const site = PgTypes.uuid(websiteConfigId)
        const rows = yield* whileLocked(websiteConfigId)(
          Effect.gen(function* () {
            const [{ count }] = yield* sql`SELECT count(*)::int FROM webhook WHERE website_config_id = ${site}`.pipe(
              decodeRows(Counted)
            )
            if (count >= Maximums.webhooks.max) return yield* new LimitReached({ maximum: Maximums.webhooks })
            yield* sql`UPDATE site SET has_subscribers = true WHERE website_config_id = ${site} AND deleted_at IS NULL`
            return yield* sql`
              INSERT INTO webhook (webhook_id, website_config_id, url, events, format, secret, created_at)
              SELECT ${PgTypes.uuid(webhookId)}, website_config_id, ${PgTypes.text(given.url)},
                ${Database.array(given.events, PgTypes.OID.text)}, ${PgTypes.text(given.format)},
                ${PgTypes.bytea(Rows.seal(sealingKey, webhookId, secret))}, ${PgTypes.timestamptz(createdAt)}
              FROM site WHERE website_config_id = ${site} AND deleted_at IS NULL
              RETURNING 1`
          })
        )
        return rows.length === 0 ? Option.none() : Option.some({ webhook_id: webhookId, secret })
      })

      const update: Webhooks["Service"]["update"] = Effect.fnUntraced(function* (websiteConfigId, webhookId, change) {
        const now = PgTypes.timestamptz(yield* Clock.currentTimeMillis)
        const { events, format = null, enabled, url = null } = change
        const seriesEnds = enabled === true ? sql.literal("true") : sql`url <> ${PgTypes.text(url)}`
        const rows = yield* sql`UPDATE webhook SET url = coalesce(${PgTypes.text(url)}, url),
            events = ${events === undefined ? sql.literal("events") : Database.array(events, PgTypes.OID.text)},
            format = coalesce(${PgTypes.text(format)}, format),
            failing_since = CASE WHEN ${seriesEnds} THEN NULL ELSE failing_since END,
            failed_again_at = CASE WHEN ${seriesEnds} THEN NULL ELSE failed_again_at END,
            disabled_at = ${
              enabled === undefined
                ? sql.literal("disabled_at")
                : enabled
                  ? sql.literal("NULL")
                  : sql`coalesce(disabled_at, ${now})`
            }
          WHERE ${named(websiteConfigId, webhookId)} RETURNING ${sql.literal(Rows.storedColumns)}`.pipe(
          Database.mapErrors,
          decodeRows(Found),
          // The pending deliveries of a webhook that is enabled may be due.
          Rounds.waking("deliveries", "replays")
        )
        return first(rows)
      })

      const withSecrets: Webhooks["Service"]["withSecrets"] = Effect.fnUntraced(function* (websiteConfigId, webhookId) {
        const sealingKey = yield* key
        const [row] =
          yield* sql`SELECT ${sql.literal(Rows.receiverColumns)}, ${sql.literal(Rows.secretColumns)} FROM webhook
          WHERE ${named(websiteConfigId, webhookId)}`.pipe(Database.mapErrors, decodeRows(WithSecrets))
        if (row === undefined) return Option.none()
        const secrets = Rows.open(sealingKey, row)
        if (secrets.length === 0) return yield* new SecretsKeyUnusable({ reason: "wrong" })
        return Option.some({ receiver: Rows.toReceiver(row), secrets })
      })

      const rotate: Webhooks["Service"]["rotate"] = Effect.fnUntraced(function* (websiteConfigId, webhookId) {
        const sealingKey = yield* key
        const found = yield* withSecrets(websiteConfigId, webhookId)
        if (Option.isNone(found)) return Option.none()
        const [previous = ""] = found.value.secrets
        const secret = yield* newSecret
        const until = (yield* Clock.currentTimeMillis) + rotationMillis
        const rows = yield* sql`UPDATE webhook SET secret = ${PgTypes.bytea(Rows.seal(sealingKey, webhookId, secret))},
            previous_secret = ${PgTypes.bytea(Rows.seal(sealingKey, webhookId, previous))},
            previous_secret_until = ${PgTypes.timestamptz(until)}
          WHERE ${named(websiteConfigId, webhookId)} RETURNING 1`.pipe(Database.mapErrors)
        return rows.length === 0 ? Option.none() : Option.some({ webhook_id: webhookId, secret })
      })

      const remove: Webhooks["Service"]["delete"] = (websiteConfigId, webhookId) =>
        transaction(
          Effect.gen(function* () {
            // The website first, as its deletion does: otherwise both could deadlock.
            yield* lockSite(sql, websiteConfigId)
            const deleted = yield* sql`DELETE FROM webhook WHERE ${named(websiteConfigId, webhookId)} RETURNING 1`
            if (deleted.length === 0) return false
            yield* sql`DELETE FROM delivery WHERE subscriber_id = ${PgTypes.uuid(webhookId)}`
            yield* refreshSubscribers(sql, websiteConfigId)
            return true
          })
        )

      return Webhooks.of({
        create,
        find: (websiteConfigId, webhookId) =>
          sql`SELECT ${sql.literal(Rows.storedColumns)} FROM webhook WHERE ${named(websiteConfigId, webhookId)}`.pipe(
            Database.mapErrors,
            decodeRows(Found),
            Effect.map(first)
          ),
        list: (websiteConfigId) =>
          sql`SELECT ${sql.literal(Rows.storedColumns)} FROM webhook
            WHERE website_config_id = ${PgTypes.uuid(websiteConfigId)} ORDER BY created_at, webhook_id`.pipe(
            Database.mapErrors,
            decodeRows(Found),
            Effect.map((rows) => rows.map(Rows.toWebhook))
          ),
        update,
        delete: remove,
        rotate,
        withSecrets
      })
    })
  )
