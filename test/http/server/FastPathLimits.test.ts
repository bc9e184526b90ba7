/** Rate limits count the requests of the fast path and of the router together. */
import { assert, describe, layer } from "@effect/vitest"
import { Effect, Option } from "effect"
import { IpNetwork } from "effect/net"
import { post } from "../../support/FastPathAndRouter.ts"
import * as TestServer from "../../support/TestServer.ts"

const trustedProxies = [IpNetwork.fromStringUnsafe("127.0.0.0/8"), IpNetwork.fromStringUnsafe("10.0.0.0/8")]

describe("http/server/FastPath: rate limits", () => {
  const once = { name: "analytics", limit: 1, windowMillis: 60_000 }
  layer(TestServer.layer({ trustedProxies, rateLimitAnalytics: Option.some(once) }), { excludeTestServices: true })(
    (it) => {
      it.effect("a client is counted under the same address on both paths", () =>
        Effect.gen(function* () {
          const { trackingToken, url } = yield* TestServer.TestServer
          const body = JSON.stringify({ site_id: trackingToken, page_path: "/" })
          const statuses = yield* Effect.forEach(
            [
              ["fastPath", "198.51.100.7"],
              ["router", "198.51.100.7"],
              ["router", "2001:db8::1"],
              ["fastPath", "2001:db8::2, 10.0.0.9"],
              ["fastPath", "198.51.100.8"],
              ["router", "198.51.100.8, nobody"]
            ] as const,
            ([way, forwarded]) => post(url + TestServer.paths.track, way, body, { "x-forwarded-for": forwarded })
          )
          assert.deepStrictEqual(
            statuses.map(({ status }) => status),
            [204, 429, 204, 429, 204, 204]
          )
        })
      )
    }
  )

  const twice = { name: "chat", limit: 2, windowMillis: 60_000 }
  layer(TestServer.layer({ rateLimitChat: Option.some(twice) }), { excludeTestServices: true })((it) => {
    it.effect("a streamed chat has the rate limit headers on both paths", () =>
      Effect.gen(function* () {
        const { instance, url, widgetToken } = yield* TestServer.TestServer
        const answers = yield* Effect.forEach(["fastPath", "router", "fastPath"] as const, (way) =>
          post(url + TestServer.paths.chat(instance.instanceId), way, `{"message":"Hi"}`, {
            "x-widget-token": widgetToken
          })
        )
        assert.deepStrictEqual(
          answers.map(({ headers, status }) => [status, headers["ratelimit-policy"], headers["content-type"]]),
          [
            [200, '"chat";q=2;w=60', "text/event-stream"],
            [200, '"chat";q=2;w=60', "text/event-stream"],
            [429, '"chat";q=2;w=60', "application/json"]
          ]
        )
        assert.deepStrictEqual(
          answers.map(({ headers }) => /;r=(\d+)/.exec(String(headers["ratelimit"]))?.[1]),
          ["1", "0", "0"]
        )
      })
    )
  })
})
