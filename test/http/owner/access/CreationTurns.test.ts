/**
 * The limits of what a website has, with many requests at once.
 */
import { assert, layer } from "@effect/vitest"
import { Effect, Option, Redacted } from "effect"
import * as InstanceInput from "../../../../src/core/chat/InstanceInput.ts"
import { maxWebhooks } from "../../../../src/core/delivery/Webhook.ts"
import { maxShares } from "../../../../src/services/sites/Shares.ts"
import { opened } from "../../../support/OwnerSession.ts"
import { emptyStorages } from "../../../support/Storages.ts"
import { layer as testServer } from "../../../support/TestServer.ts"

const secretsKey = Option.some(Redacted.make(new Uint8Array(32)))

for (const [name, storage] of emptyStorages) {
  layer(testServer({ secretsKey }, undefined, undefined, storage()), { excludeTestServices: true })(
    `creations ${name}`,
    (it) => {
      for (const [kind, max, body] of [
        ["instances", InstanceInput.limits.perSite, { name: "A", agent_url: "https://agent.example.com/v1" }],
        ["shares", maxShares, {}],
        ["webhooks", maxWebhooks, { url: "https://hooks.example.com/" }]
      ] as const) {
        it.effect(`concurrent requests create no more ${kind} than a website may have`, () =>
          Effect.gen(function* () {
            const { request } = yield* opened
            const create = request("POST", `/${kind}`, body)
            const answers = yield* Effect.replicateEffect(create, max + 5, { concurrency: "unbounded" })
            assert.lengthOf(
              answers.filter(({ status }) => status === 422),
              5
            )
            assert.lengthOf(JSON.parse((yield* request("GET", `/${kind}`)).text)[kind], max)
          })
        )
      }
    }
  )
}
