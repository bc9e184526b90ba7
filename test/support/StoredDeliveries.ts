/**
 * Creates websites with submissions and their deliveries, for the suites of `Deliveries`.
 *
 * @module
 */
import { Clock, Effect, Option } from "effect"
import { Deliveries } from "../../src/delivery/Delivery.ts"
import { SubmissionRepo } from "../../src/forms/SubmissionRepo.ts"
import type { EventId, WebhookId, WebsiteConfigId } from "../../src/platform/Id.ts"
import { fanOutAll, newSite, newWebhook } from "./Delivery.ts"
import * as SubmissionDraft from "./SubmissionDraft.ts"

export const url = "https://hooks.example/"

export const submit = (site: WebsiteConfigId, more: Parameters<typeof SubmissionDraft.make>[1] = {}) =>
  SubmissionRepo.use((repo) => repo.submit(SubmissionDraft.make(site, more)))

/** A website with a webhook and `count` submissions, each with a delivery. */
export const withDeliveries = Effect.fnUntraced(function* (count: number) {
  const site = yield* newSite
  const { secret, webhook } = yield* newWebhook(site, url)
  const now = yield* Clock.currentTimeMillis
  for (let number = 0; number < count; number++) yield* submit(site, { receivedAt: now + number })
  yield* fanOutAll
  return { site, secret, webhook }
})

export const showDelivery = (webhookId: WebhookId, eventId: EventId) =>
  Deliveries.use((deliveries) => deliveries.show(webhookId, eventId)).pipe(Effect.map(Option.getOrThrow))
