/** The client that a process has once, although several of its layers use it. */
import { assert, it } from "@effect/vitest"
import { Effect, Layer, Option } from "effect"
import * as TestDeliveries from "../../src/delivery/TestDeliveries.ts"
import { OutwardClient } from "../../src/platform/outward/OutwardClient.ts"
import { newSite, newWebhook, postgres } from "../support/Delivery.ts"

it.effect("delivery: tests of webhooks use the process's client", () =>
  Effect.gen(function* () {
    const posts: Array<string> = []
    const client = Layer.succeed(OutwardClient, {
      post: (_, url) =>
        Effect.sync(() => {
          posts.push(url)
          return { status: 204, retryAfter: null, millis: 1, answer: "", error: null }
        })
    })
    const { webhook } = yield* newWebhook(yield* newSite, "http://receiver.example/")
    const tested = yield* TestDeliveries.webhook(webhook.websiteConfigId, webhook.webhookId).pipe(
      Effect.provide(client)
    )
    assert.isTrue(Option.getOrThrow(tested).delivered)
    assert.deepStrictEqual(posts, ["http://receiver.example/"])
  }).pipe(Effect.provide(postgres))
)
