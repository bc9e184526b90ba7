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
import { WebhookId, WebsiteConfigId } from "../../platform/Id.ts"
import * as Database from "../../platform/postgres/Database.ts"
import * as Times from "../../platform/postgres/Times.ts"
import * as Rounds from "../../platform/rounds/Rounds.ts"
import { Time } from "../../platform/runtime/Rows.ts"
import * as Sealing from "../../platform/secrets/Sealing.ts"
import * as Maximums from "../../sites/Maximums.ts"
import * as SiteLock from "../../sites/postgres/SiteLock.ts"
import {
  hostOf,
  type Receiver,
  rotationMillis,
  SecretsKeyUnusable,
  type StoredWebhook,
  Webhook,
  Webhooks
} from "../Webhook.ts"
import * as WebhookSender from "../WebhookSender.ts"

const { host: _, ...stored } = Webhook.fields

const storedFields = {
  ...stored,
  url: Schema.String,
  created_at: Time,
  failing_since: Schema.NullOr(Time),
  disabled_at: Schema.NullOr(Time)
}

const storedColumns = "webhook_id, url, events, format, created_at, failing_since, disabled_at"

const StoredRow = Schema.Struct(storedFields)

const toWebhook = (row: typeof StoredRow.Type): StoredWebhook => ({ ...row, host: hostOf(row.url) })

const Millis = Schema.NullOr(Schema.Finite)

export const receiverFields = {
  webhookId: WebhookId,
  websiteConfigId: WebsiteConfigId,
  url: Schema.String,
  format: Webhook.fields.format,
  failingSince: Millis,
  failedAgainAt: Millis,
  disabledAt: Millis
}

export const receiverColumns = `webhook_id AS "webhookId", webhook.website_config_id AS "websiteConfigId", url, format,
  ${Times.millisAs("failing_since", "failingSince")}, ${Times.millisAs("failed_again_at", "failedAgainAt")},
  ${Times.millisAs("disabled_at", "disabledAt")}`

export const secretFields = { secret: Schema.Uint8Array, previousSecret: Schema.NullOr(Schema.Uint8Array) }

/** The encrypted secrets, with the previous one for as long as it also signs. */
export const secretColumns = `secret, CASE WHEN previous_secret_until > now() THEN previous_secret END AS "previousSecret"`

/** The receiver of a row that has more columns. */
export const toReceiver = (row: Receiver): Receiver => ({
  webhookId: row.webhookId,
  websiteConfigId: row.websiteConfigId,
  url: row.url,
  format: row.format,
  failingSince: row.failingSince,
  failedAgainAt: row.failedAgainAt,
  disabledAt: row.disabledAt
})

const seal = (key: Uint8Array, webhookId: string, secret: string): Uint8Array =>
  Sealing.seal(key, randomBytes(Sealing.nonceBytes), webhookId, secret)

/** The decrypted secrets that sign; empty if one cannot be decrypted. */
export const open = (
  key: Uint8Array,
  row: { readonly webhookId: string; readonly secret: Uint8Array; readonly previousSecret: Uint8Array | null }
): ReadonlyArray<string> => {
  const sealed = row.previousSecret === null ? [row.secret] : [row.secret, row.previousSecret]
  return Option.getOrElse(
    Option.all(sealed.map((one) => Sealing.open(key, row.webhookId, one))),
    (): ReadonlyArray<string> => []
  )
}

export interface Options {
  /** The key of 32 bytes that encrypts the secrets. */
  readonly secretsKey: Option.Option<Redacted.Redacted<Uint8Array>>
}

const Found = Schema.Array(Schema.Struct(storedFields))
const WithSecrets = Schema.Array(Schema.Struct({ ...receiverFields, ...secretFields }))

/** Updates `site.has_subscribers`. The website must be locked. */
export const refreshSubscribers = (
  sql: PgClient.PgClient,
  websiteConfigId: WebsiteConfigId
): Effect.Effect<unknown, SqlError.SqlError> => {
  const id = PgTypes.uuid(websiteConfigId)
  return sql`UPDATE site SET has_subscribers = EXISTS (SELECT FROM webhook WHERE website_config_id = ${id})
    OR EXISTS (SELECT FROM notification WHERE website_config_id = ${id})
    OR EXISTS (SELECT FROM auto_reply WHERE website_config_id = ${id}) WHERE website_config_id = ${id}`
}

export const layer = ({ secretsKey }: Options): Layer.Layer<Webhooks, never, PgClient.PgClient> =>
  Layer.effect(
    Webhooks,
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const whileLocked = yield* SiteLock.make
      const key = Option.match(secretsKey, {
        onNone: () => Effect.fail(new SecretsKeyUnusable({ reason: "missing" })),
        onSome: (secret) => Effect.succeed(Redacted.value(secret))
      })
      const newSecret = Effect.sync(() => WebhookSender.formatSecret(randomBytes(WebhookSender.secretBytes)))
      const first = ([row]: typeof Found.Type) => Option.map(Option.fromUndefinedOr(row), toWebhook)
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
            yield* SiteLock.requireRoom(sql, websiteConfigId, "webhook", Maximums.webhooks)
            yield* sql`UPDATE site SET has_subscribers = true WHERE website_config_id = ${site} AND deleted_at IS NULL`
            return yield* sql`
              INSERT INTO webhook (webhook_id, website_config_id, url, events, format, secret, created_at)
              SELECT ${PgTypes.uuid(webhookId)}, website_config_id, ${PgTypes.text(given.url)},
                ${Database.texts(given.events)}, ${PgTypes.text(given.format)},
                ${PgTypes.bytea(seal(sealingKey, webhookId, secret))}, ${PgTypes.timestamptz(createdAt)}
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
            events = ${events === undefined ? sql.literal("events") : Database.texts(events)},
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
          WHERE ${named(websiteConfigId, webhookId)} RETURNING ${sql.literal(storedColumns)}`.pipe(
          Database.read(Found),
          // The pending deliveries of a webhook that is enabled may be due.
          Rounds.waking("deliveries", "replays")
        )
        return first(rows)
      })

      const withSecrets: Webhooks["Service"]["withSecrets"] = Effect.fnUntraced(function* (websiteConfigId, webhookId) {
        const sealingKey = yield* key
        const [row] = yield* sql`SELECT ${sql.literal(receiverColumns)}, ${sql.literal(secretColumns)} FROM webhook
          WHERE ${named(websiteConfigId, webhookId)}`.pipe(Database.read(WithSecrets))
        if (row === undefined) return Option.none()
        const secrets = open(sealingKey, row)
        if (secrets.length === 0) return yield* new SecretsKeyUnusable({ reason: "wrong" })
        return Option.some({ receiver: toReceiver(row), secrets })
      })

      const rotate: Webhooks["Service"]["rotate"] = Effect.fnUntraced(function* (websiteConfigId, webhookId) {
        const sealingKey = yield* key
        const found = yield* withSecrets(websiteConfigId, webhookId)
        if (Option.isNone(found)) return Option.none()
        const [previous = ""] = found.value.secrets
        const secret = yield* newSecret
        const until = (yield* Clock.currentTimeMillis) + rotationMillis
        const rows = yield* sql`UPDATE webhook SET secret = ${PgTypes.bytea(seal(sealingKey, webhookId, secret))},
            previous_secret = ${PgTypes.bytea(seal(sealingKey, webhookId, previous))},
            previous_secret_until = ${PgTypes.timestamptz(until)}
          WHERE ${named(websiteConfigId, webhookId)} RETURNING 1`.pipe(Database.mapErrors)
        return rows.length === 0 ? Option.none() : Option.some({ webhook_id: webhookId, secret })
      })

      const remove: Webhooks["Service"]["delete"] = (websiteConfigId, webhookId) =>
        // The website first, as its deletion does: otherwise both could deadlock.
        whileLocked(websiteConfigId)(
          Effect.gen(function* () {
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
          sql`SELECT ${sql.literal(storedColumns)} FROM webhook WHERE ${named(websiteConfigId, webhookId)}`.pipe(
            Database.read(Found),
            Effect.map(first)
          ),
        list: (websiteConfigId) =>
          sql`SELECT ${sql.literal(storedColumns)} FROM webhook
            WHERE website_config_id = ${PgTypes.uuid(websiteConfigId)} ORDER BY created_at, webhook_id`.pipe(
            Database.read(Found),
            Effect.map((rows) => rows.map(toWebhook))
          ),
        update,
        delete: remove,
        rotate,
        withSecrets
      })
    })
  )
