import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Visitors from "../../scripts/torture/scenarios/Visitors.ts"
import * as InProcess from "../support/InProcessService.ts"
import { endlessly, type Respond, says, sse } from "../support/TestUpstream.ts"
import { pause, until } from "../support/Wait.ts"

/** Short timeouts, so that slow visitors reach them soon, and not before a busy machine has read their first bytes. */
const short = { headersTimeout: 1_000, requestTimeout: 2_000, connectionsCheckingInterval: 50 }

/** Timeouts that quick visitors do not reach on a busy machine. */
const long = { ...short, headersTimeout: 60_000, requestTimeout: 120_000 }

const agent: Respond = (received, response) => {
  if (received.body.includes("silence")) return
  response.writeHead(200, sse)
  endlessly(response, says("and so on ".repeat(100)))
}

/** Asserts that after eight concurrent visitors, the service releases all fibers and sockets and serves the next request. */
const assertReleases = (visitor: (typeof Visitors.quick)[string], limits = long, memory: "agent" | "edge" = "agent") =>
  Effect.gen(function* () {
    const service = yield* InProcess.start({
      limits,
      respond: agent,
      memory,
      environment: { CHAT_RESUME: "100 millis" }
    })
    const view = () =>
      fetch(`${service.url}/v1/public/analytics/track`, {
        method: "POST",
        headers: { "content-type": "application/json", connection: "close" },
        body: JSON.stringify({ site_id: service.target.trackingToken, page_path: "/" })
      }).then((response) => response.status)
    assert.strictEqual(yield* Effect.promise(view), 204)
    yield* pause(50)
    const before = { fibers: service.fibers(), sockets: service.sockets() }
    yield* Effect.forEach(
      Array.from({ length: 8 }),
      () => Effect.scoped(visitor({ port: service.port, target: service.target })),
      { concurrency: "unbounded", discard: true }
    )
    yield* until(
      "everything is released",
      () =>
        service.fibers() <= before.fibers && service.sockets() <= before.sockets && service.upstream.connections() === 0
    )
    assert.strictEqual(yield* Effect.promise(view), 204)
  }).pipe(Effect.scoped)

describe("faults: visitors", () => {
  for (const [name, visitor] of Object.entries(Visitors.quick)) {
    it.live(`a visitor who ${name} holds no resources for long`, () => assertReleases(visitor))
  }
  for (const name of Visitors.chatting) {
    it.live(`a visitor who ${name} holds no resources for long in a conversation with memory`, () =>
      assertReleases(Visitors.quick[name]!, long, "edge")
    )
  }
  for (const [name, visitor] of Object.entries(Visitors.slow(20_000))) {
    it.live(`a visitor who ${name} is disconnected`, () => assertReleases(visitor, short))
  }
})
