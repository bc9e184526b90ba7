/**
 * Access to the demo's feed.
 */

import { type IncomingMessage, request } from "node:http"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { HttpServer } from "effect/http"
import * as ScriptedAgent from "../../src/chat/AgentStream.ts"
import * as DemoFeed from "../../src/demo/DemoFeed.ts"
import * as DemoSite from "../../src/demo/DemoSite.ts"
import { layerMemory } from "../../src/platform/limits/RateLimit.ts"
import * as Server from "../../src/server/Server.ts"
import { postgres } from "../support/Storages.ts"
import * as TestDeliveries from "../support/TestDeliveries.ts"
import { options } from "../support/TestServer.ts"

/** The head of the feed's response. */
const headOf = (port: number, headers: Record<string, string>) =>
  Effect.callback<IncomingMessage>((resume) => {
    const outgoing = request({ port, host: "127.0.0.1", path: "/demo/events", headers, agent: false }, (answer) => {
      resume(Effect.succeed(answer))
      outgoing.destroy()
    })
    outgoing.on("error", (error) => resume(Effect.die(error))).end()
  })

describe("demo: the feed", () => {
  it.live("is readable by its own page and by programs, but not by other websites", () =>
    Effect.gen(function* () {
      const site = yield* DemoSite.make(yield* DemoFeed.make)
      const built = yield* Layer.build(
        Server.layer({ ...options, routes: site.routes }).pipe(
          Layer.provide([
            Layer.provide(TestDeliveries.layer(), postgres()),
            layerMemory({ maxKeys: 10 }),
            ScriptedAgent.layerScripted(() => ScriptedAgent.texts([])),
            postgres()
          ])
        )
      )
      const { address } = yield* Effect.provide(HttpServer.HttpServer, built)
      const port = Number(new URL(HttpServer.formatAddress(address)).port)
      for (const [status, headers] of [
        [200, {}],
        [200, { host: `localhost:${port}`, "sec-fetch-site": "same-origin" }],
        [200, { origin: `http://127.0.0.1:${port}` }],
        [403, { origin: "https://evil.example" }],
        [403, { host: `evil.example:${port}`, "sec-fetch-site": "same-origin" }],
        [403, { "sec-fetch-site": "cross-site" }]
      ] as const) {
        const head = yield* headOf(port, headers)
        assert.strictEqual(head.statusCode, status, JSON.stringify(headers))
        for (const name of Object.keys(head.headers)) assert.notMatch(name, /^access-control-/)
      }
    }).pipe(Effect.scoped)
  )
})
