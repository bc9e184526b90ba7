/**
 * Stores webhooks in the memory of this process. Unbounded, because visitors cannot create webhooks. Secrets are not encrypted.
 *
 * @module
 */
import { randomBytes, randomUUID } from "node:crypto"
import { Clock, Effect, Layer, Option } from "effect"
import * as Schedule from "../../core/delivery/Schedule.ts"
import * as Signature from "../../core/delivery/Signature.ts"
import { rotationMillis, type Webhook } from "../../core/delivery/Webhook.ts"
import { Webhooks } from "../../services/delivery/Webhooks.ts"
import { Sites } from "../sites/SiteDirectory.ts"
import { DeliveryTables, type StoredWebhook } from "./DeliveryTables.ts"

/** Without the secrets. */
export const toWebhook = ({ previous: _, secret: __, ...webhook }: StoredWebhook): Webhook => webhook

/** The secrets that sign at `now`. */
export const secretsOf = ({ previous, secret }: StoredWebhook, now: number): ReadonlyArray<string> =>
  previous !== null && previous.until > now ? [secret, previous.secret] : [secret]

const newSecret = (): string => Signature.formatSecret(randomBytes(Signature.secretBytes))

export const layer: Layer.Layer<Webhooks, never, DeliveryTables | Sites> = Layer.effect(
  Webhooks,
  Effect.gen(function* () {
    const tables = yield* DeliveryTables
    const sites = yield* Sites

    const change = (webhookId: string, to: (webhook: StoredWebhook, now: number) => StoredWebhook) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        const found = Option.fromUndefinedOr(tables.webhooks.get(webhookId))
        const changed = Option.map(found, (webhook) => to(webhook, now))
        if (Option.isSome(changed)) tables.webhooks.set(webhookId, changed.value)
        return changed
      })

    return Webhooks.of({
      create: (given) =>
        Effect.map(Clock.currentTimeMillis, (createdAt) => {
          if (sites.get(given.websiteConfigId) === undefined) return Option.none()
          const webhook: Webhook = {
            ...given,
            webhookId: randomUUID(),
            createdAt,
            ...Schedule.healthy
          }
          const secret = newSecret()
          tables.webhooks.set(webhook.webhookId, { ...webhook, secret, previous: null })
          return Option.some({ webhook, secret })
        }),
      list: (websiteConfigId) =>
        Effect.sync(() =>
          [...tables.webhooks.values()].filter((one) => one.websiteConfigId === websiteConfigId).map(toWebhook)
        ),
      update: (webhookId, { isEnabled, ...changes }) =>
        change(webhookId, (webhook, now) => {
          const endsSeries = isEnabled === true || (changes.url !== undefined && changes.url !== webhook.url)
          return {
            ...webhook,
            ...changes,
            ...(endsSeries ? Schedule.healthy : {}),
            disabledAt: isEnabled === true ? null : (webhook.disabledAt ?? (isEnabled === false ? now : null))
          }
        }).pipe(Effect.map(Option.map(toWebhook))),
      delete: (webhookId) =>
        Effect.sync(() => {
          const isFound = tables.webhooks.has(webhookId)
          tables.remove(webhookId)
          return isFound
        }),
      rotate: (webhookId) =>
        change(webhookId, (webhook, now) => ({
          ...webhook,
          secret: newSecret(),
          previous: { secret: webhook.secret, until: now + rotationMillis }
        })).pipe(Effect.map(Option.map((webhook) => ({ webhook: toWebhook(webhook), secret: webhook.secret })))),
      withSecrets: (webhookId) =>
        Effect.map(Clock.currentTimeMillis, (now) =>
          Option.map(Option.fromUndefinedOr(tables.webhooks.get(webhookId)), (webhook) => ({
            webhook: toWebhook(webhook),
            secrets: secretsOf(webhook, now)
          }))
        )
    })
  })
)
