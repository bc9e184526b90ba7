/**
 * Sends a payload to a webhook, signed.
 *
 * @module
 */
import { Clock, Effect } from "effect"
import { OutwardClient } from "../platform/outward/OutwardClient.ts"
import * as Signature from "./Signature.ts"
import * as SlackMessage from "./SlackMessage.ts"
import type { Receiver } from "./Webhook.ts"

/** @param id the event's id, the same in every attempt */
export const send = Effect.fnUntraced(function* (
  webhook: Pick<Receiver, "url" | "format" | "websiteConfigId">,
  secrets: ReadonlyArray<string>,
  id: string,
  payload: string
) {
  const client = yield* OutwardClient
  const body = webhook.format === "slack" ? SlackMessage.body(payload) : payload
  const signed = Signature.headers({ id, sentAt: yield* Clock.currentTimeMillis, body }, secrets)
  return yield* client.post(
    webhook.websiteConfigId,
    webhook.url,
    { ...signed, "content-type": "application/json", "user-agent": "hydracore-edge" },
    body
  )
})
