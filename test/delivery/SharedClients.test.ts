/** The clients that a process has once, although several of its layers use them. */
import { assert, it } from "@effect/vitest"
import { Effect, Layer, Option, Redacted } from "effect"
import * as App from "../../src/App.ts"
import { Reports } from "../../src/analytics/reports/Reports.ts"
import * as MailDispatcher from "../../src/delivery/mail/MailDispatcher.ts"
import { Mailer, type Sender } from "../../src/delivery/mail/Mailer.ts"
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

it.effect("delivery: everything that sends mails has the same mailer", () =>
  Effect.gen(function* () {
    let mailers = 0
    const mailer = Layer.effect(
      Mailer,
      Effect.sync(() => {
        mailers++
        return Mailer.of({ send: () => Effect.never, check: Effect.never })
      })
    )
    const sender: Sender = {
      from: { name: "Edge", address: "edge@example.com" },
      publicUrl: "http://edge.example",
      consoleUrl: "http://edge.example/console",
      secretsKey: Redacted.make(new Uint8Array(32))
    }
    const mail = Option.some({ sender, mailer })
    yield* Layer.build(
      Layer.mergeAll(App.mails(mail), Layer.provide(MailDispatcher.layer(sender, []), mailer)).pipe(
        Layer.provide(Layer.mock(Reports, {}))
      )
    )
    assert.strictEqual(mailers, 1)
  }).pipe(Effect.provide(postgres))
)
