import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import * as Webhook from "../../src/delivery/Webhook.ts"
import * as DemoReceiver from "../../src/demo/DemoReceiver.ts"
import { OutwardClient } from "../../src/platform/outward/OutwardClient.ts"

describe("the receiver of the demo's webhook", () => {
  it.live("accepts what is sent to its URL, which an owner may see; other URLs go where they name", () =>
    Effect.gen(function* () {
      const { post } = yield* OutwardClient
      const accepted = yield* post("website", DemoReceiver.url, { "content-type": "application/json" }, "{}")
      assert.deepInclude(accepted, { status: 200, answer: "Thank you.\n", error: null })
      assert.isTrue(Option.isNone(Webhook.ownersRefusalOf([], DemoReceiver.url)))
      const refused = yield* post("website", "http://127.0.0.1/new-leads", {}, "{}")
      assert.strictEqual(refused.status, null)
      assert.include(refused.error, "127.0.0.1 was not found on the public internet")
    }).pipe(Effect.provide(DemoReceiver.client([])))
  )
})
