/**
 * The columns of a webhook, and its secrets, which are encrypted with `SECRETS_KEY`.
 *
 * @module
 */
import { randomBytes } from "node:crypto"
import { Option, Schema } from "effect"
import { WebsiteConfigId } from "../../platform/Id.ts"
import * as Times from "../../platform/postgres/Times.ts"
import * as Sealing from "../../platform/secrets/Sealing.ts"
import { formats, type Webhook } from "../Webhook.ts"

const Time = Schema.NullOr(Schema.Finite)

export const fields = {
  webhookId: Schema.String,
  websiteConfigId: WebsiteConfigId,
  url: Schema.String,
  events: Schema.Array(Schema.String),
  format: Schema.Literals(formats),
  createdAt: Schema.Finite,
  failingSince: Time,
  failedAgainAt: Time,
  disabledAt: Time
}

export const secretFields = { secret: Schema.Uint8Array, previousSecret: Schema.NullOr(Schema.Uint8Array) }

export const columns = `webhook_id AS "webhookId", webhook.website_config_id AS "websiteConfigId", url, events, format,
  ${Times.millisAs("webhook.created_at", "createdAt")}, ${Times.millisAs("failing_since", "failingSince")},
  ${Times.millisAs("failed_again_at", "failedAgainAt")}, ${Times.millisAs("disabled_at", "disabledAt")}`

/** The encrypted secrets, with the previous one for as long as it also signs. */
export const secretColumns = `secret, CASE WHEN previous_secret_until > now() THEN previous_secret END AS "previousSecret"`

export const toWebhook = (row: { readonly [Name in keyof Webhook]: Webhook[Name] }): Webhook => ({
  webhookId: row.webhookId,
  websiteConfigId: row.websiteConfigId,
  url: row.url,
  events: row.events,
  format: row.format,
  createdAt: row.createdAt,
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
