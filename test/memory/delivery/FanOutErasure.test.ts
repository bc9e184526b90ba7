import { randomUUID } from "node:crypto"
import { assert, layer as withLayer } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { DeliveryTables } from "../../../src/memory/delivery/DeliveryTables.ts"
import { ConversationStore } from "../../../src/services/chat/ConversationStore.ts"
import { InstanceDirectory } from "../../../src/services/chat/InstanceDirectory.ts"
import { Deliveries } from "../../../src/services/delivery/Deliveries.ts"
import { Webhooks } from "../../../src/services/delivery/Webhooks.ts"
import { SiteDirectory } from "../../../src/services/sites/SiteDirectory.ts"
import * as Delivery from "../../support/Delivery.ts"

/** Enough that the fiber that fans out yields to others in the middle of a fan-out. */
const count = 1_000

/** Begins to fan out the events of `count` conversations, and returns while their data is read. */
const beginFanOut = Effect.gen(function* () {
  const store = yield* ConversationStore
  const { fanOut } = yield* Deliveries
  const { websiteConfigId } = yield* SiteDirectory.use((sites) => sites.create({ name: "test", origins: [] }))
  const { webhook } = yield* Delivery.newWebhook(websiteConfigId, "https://hooks.example/")
  const { instanceId } = yield* InstanceDirectory.use((instances) =>
    instances.create({ name: "a", agentUrl: "https://a.example", websiteConfigId })
  )
  const keys = Array.from({ length: count }, () => ({ instanceId, conversationId: randomUUID() }))
  for (const key of keys) {
    yield* store.begin({ key, message: { messageId: randomUUID(), text: "Hello" }, answerId: randomUUID() })
  }
  const noSlots = { perHealthy: 0, perFailing: 0, free: 0, freeForFailing: 0 }
  const all = Effect.gen(function* () {
    while ((yield* fanOut(noSlots, new Map())).events > 0) {}
  })
  const running = yield* Effect.forkChild(all, { startImmediately: true })
  assert.isUndefined(running.pollUnsafe())
  return { keys, running, webhookId: webhook.webhookId }
})

/** The deliveries of a webhook. */
const deliveriesOf = (webhookId: string) =>
  DeliveryTables.use(({ deliveries }) => Effect.sync(deliveries)).pipe(
    Effect.map((all) => all.filter((delivery) => delivery.webhookId === webhookId))
  )

withLayer(Delivery.memory, { excludeTestServices: true })("memory/delivery/Deliveries", (it) => {
  it.effect("a conversation that is deleted during the fan-out is not delivered", () =>
    Effect.gen(function* () {
      const { keys, running, webhookId } = yield* beginFanOut
      yield* ConversationStore.use((store) => Effect.forEach(keys, store.delete, { discard: true }))
      yield* Fiber.join(running)
      const delivered = yield* deliveriesOf(webhookId)
      assert.deepStrictEqual(
        delivered.filter(({ payload }) => payload !== null),
        []
      )
    })
  )

  it.effect("a webhook that is deleted during the fan-out keeps no delivery", () =>
    Effect.gen(function* () {
      const { running, webhookId } = yield* beginFanOut
      assert.isTrue(yield* Webhooks.use((webhooks) => webhooks.delete(webhookId)))
      yield* Fiber.join(running)
      assert.deepStrictEqual(yield* deliveriesOf(webhookId), [])
    })
  )
})
