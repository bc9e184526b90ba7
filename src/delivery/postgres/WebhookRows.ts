/**
 * The columns of a webhook, and its secrets, which are encrypted with `SECRETS_KEY`.
 *
 * @module
 */
import { randomBytes } from "node:crypto"
import { Option, Schema } from "effect"
import { WebhookId, WebsiteConfigId } from "../../platform/Id.ts"
import * as Times from "../../platform/postgres/Times.ts"
import { Time } from "../../platform/runtime/Rows.ts"
import * as Sealing from "../../platform/secrets/Sealing.ts"
import { hostOf, type Receiver, type StoredWebhook, Webhook } from "../Webhook.ts"

const { host: _, ...stored } = Webhook.fields

export const storedFields = {
  ...stored,
  url: Schema.String,
  created_at: Time,
  failing_since: Schema.NullOr(Time),
  disabled_at: Schema.NullOr(Time)
}

export const storedColumns = "webhook_id, url, events, format, created_at, failing_since, disabled_at"

const StoredRow = Schema.Struct(storedFields)

export const toWebhook = (row: typeof StoredRow.Type): StoredWebhook => ({ ...row, host: hostOf(row.url) })

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

export const seal = (key: Uint8Array, webhookId: string, secret: string): Uint8Array =>
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
