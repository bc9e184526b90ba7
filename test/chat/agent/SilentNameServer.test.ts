/** Owners' agents and webhooks whose name servers do not answer. */
import { randomUUID } from "node:crypto"
import { NodeHttpClient } from "@effect/platform-node"
import { assert, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Option } from "effect"
import * as AgentCheck from "../../../src/chat/agent/AgentCheck.ts"
import { ofOperator } from "../../../src/chat/agent/AgentCheck.ts"
import * as LiveAgent from "../../../src/chat/agent/AgentClient.ts"
import * as Inspection from "../../../src/chat/agent/Inspection.ts"
import type { Instance } from "../../../src/chat/Instance.ts"
import { WebsiteConfigId } from "../../../src/platform/Id.ts"
import * as OutwardClient from "../../../src/platform/outward/OutwardClient.ts"
import { done, streams } from "../../support/AgentExchange.ts"
import * as NameServer from "../../support/NameServer.ts"
import { instanceAt, says, start } from "../../support/TestUpstream.ts"
import { poll } from "../../support/Wait.ts"

const ask = (url: string, rest: Partial<Instance>) => Inspection.ask(instanceAt(url, rest), ofOperator, "10 seconds")

it.live("six silent look-ups of one website delay neither the chats nor the webhooks of others", () =>
  Effect.gen(function* () {
    const { names, queried } = yield* NameServer.start((name) => (name.startsWith("silent") ? "silent" : "unknown"))
    const lookedUp = Effect.sync(() => new Set(queried).size)
    const clients = Layer.mergeAll(
      OutwardClient.layer({ allowed: [], names }),
      LiveAgent.layer({
        names,
        timeout: "60 seconds",
        secretsKey: Option.none(),
        keyOf: () => Effect.succeedNone
      }).pipe(Layer.provide(NodeHttpClient.layerDispatcher))
    )
    const upstream = yield* start(streams(says("OK"), done))
    yield* Effect.gen(function* () {
      const { post } = yield* OutwardClient.OutwardClient
      const [silent, other] = [WebsiteConfigId.make(randomUUID()), WebsiteConfigId.make(randomUUID())]
      const webhooks = yield* Effect.forEach([1, 2, 3], (index) =>
        Effect.forkChild(post(silent, `http://silent-webhook${index}.example/`, {}, "{}"))
      )
      const chats = yield* Effect.forEach([1, 2, 3], (index) =>
        Effect.forkChild(ask(`https://silent-agent${index}.example/v1`, { website_config_id: silent, guarded: true }))
      )
      // Webhooks and agents share the two look-ups of a website.
      yield* poll(lookedUp, (count) => count === 2)

      const otherWebhook = yield* post(other, "http://other.example/", {}, "{}")
      assert.include(otherWebhook.error, "other.example was not found on the public internet")
      const otherAgent = yield* ask("https://agent.example/v1", { website_config_id: other, guarded: true })
      assert.strictEqual(AgentCheck.problemOf(otherAgent), "not-public")
      // An agent of the operator has a name that only the system's resolver knows.
      const operators = upstream.url.replace("127.0.0.1", "localhost")
      assert.deepInclude(yield* ask(operators, { website_config_id: other }), { _tag: "Answered", text: "O" })
      assert.strictEqual(yield* lookedUp, 4)

      // An interrupted request cancels its look-up, so that the next one begins.
      yield* Fiber.interruptAll(webhooks)
      yield* poll(lookedUp, (count) => count === 6)
      yield* Fiber.interruptAll(chats)
    }).pipe(Effect.timeout("4 seconds"), Effect.provide(clients))
  }).pipe(Effect.scoped)
)
