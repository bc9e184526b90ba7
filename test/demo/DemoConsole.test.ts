/**
 * Which requests get a session of the demo's console without a link.
 */

import { type IncomingMessage, request } from "node:http"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { HttpServer } from "effect/http"
import * as ScriptedAgent from "../../src/chat/AgentStream.ts"
import * as DemoSite from "../../src/demo/DemoSite.ts"
import { layerMemory } from "../../src/platform/limits/RateLimit.ts"
import * as Server from "../../src/server/Server.ts"
import { ConsoleSessions } from "../../src/sites/access/ConsoleSession.ts"
import { everySession } from "../support/Lists.ts"
import { fromOwnPage } from "../support/OwnerRequests.ts"
import { postgres } from "../support/Storages.ts"
import * as TestDeliveries from "../support/TestDeliveries.ts"
import { options } from "../support/TestServer.ts"

/** The status and the cookies of a response. `fetch` cannot send a `Host`. */
const answerTo = (port: number, path: string, method: string, headers: Record<string, string>) =>
  Effect.callback<{ readonly status: number; readonly cookies: ReadonlyArray<string> }>((resume) => {
    const outgoing = request(
      { port, host: "127.0.0.1", path, method, headers, agent: false },
      (answer: IncomingMessage) => {
        answer.resume()
        resume(Effect.succeed({ status: answer.statusCode ?? 0, cookies: answer.headers["set-cookie"] ?? [] }))
      }
    )
    outgoing.on("error", (error) => resume(Effect.die(error))).end()
  })

const session = "/v1/owner/session"

describe("demo: the console", () => {
  it.live("the console opens for browsers on this machine, and for no others", () =>
    Effect.gen(function* () {
      const built = yield* Layer.build(
        Server.layer({ ...options, routes: DemoSite.openConsole }).pipe(
          Layer.provide([
            TestDeliveries.layer(),
            layerMemory({ maxKeys: 10 }),
            ScriptedAgent.layerScripted(() => ScriptedAgent.texts([]))
          ]),
          Layer.provideMerge(postgres())
        )
      )
      const { address } = yield* Effect.provide(HttpServer.HttpServer, built)
      const sessions = Effect.provide(
        ConsoleSessions.use(({ list }) => list(everySession)),
        built
      )
      const port = Number(new URL(HttpServer.formatAddress(address)).port)
      for (const [path, method, headers] of [
        [session, "GET", {}],
        [session, "GET", { "sec-fetch-site": "cross-site" }],
        [session, "GET", { ...fromOwnPage, host: `evil.example:${port}` }],
        [session, "GET", { ...fromOwnPage, host: `192.168.1.5:${port}` }],
        ...DemoSite.forwardingHeaders.map((name) => [session, "GET", { ...fromOwnPage, [name]: "127.0.0.1" }] as const),
        [session, "GET", { ...fromOwnPage, authorization: "Bearer hok_x" }],
        [session, "DELETE", fromOwnPage],
        ["/v1/owner/sites", "GET", fromOwnPage]
      ] as const) {
        const answer = yield* answerTo(port, path, method, headers)
        assert.deepStrictEqual(answer, { status: 401, cookies: [] }, JSON.stringify(headers))
      }
      assert.deepStrictEqual(yield* sessions, [])

      const opened = yield* answerTo(port, session, "GET", { ...fromOwnPage, host: `localhost:${port}` })
      assert.strictEqual(opened.status, 200)
      const [pair = "", ...attributes] = (opened.cookies[0] ?? "").split("; ")
      assert.sameMembers(attributes, ["HttpOnly", "Max-Age=34560000", "Path=/", "SameSite=Strict"])
      for (const path of [session, "/v1/owner/sites"]) {
        const authenticated = yield* answerTo(port, path, "GET", { ...fromOwnPage, cookie: pair })
        assert.deepStrictEqual(authenticated, { status: 200, cookies: [] }, path)
      }
      assert.lengthOf(yield* sessions, 1)
      // The cookie of an earlier database is replaced.
      const stale = `hydracore_console=hcs_${"a".repeat(43)}`
      const again = yield* answerTo(port, session, "GET", { ...fromOwnPage, cookie: stale })
      assert.deepStrictEqual([again.status, again.cookies.length], [200, 1])
    }).pipe(Effect.scoped)
  )
})
