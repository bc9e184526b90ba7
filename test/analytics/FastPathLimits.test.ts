/** Rate limits count the requests of the fast path and of the router together. */
import { assert, describe, layer } from "@effect/vitest"
import { Effect, Option } from "effect"
import { IpNetwork } from "effect/net"
import { post } from "../support/Framing.ts"
import * as TestServer from "../support/TestServer.ts"

const trustedProxies = [IpNetwork.fromStringUnsafe("127.0.0.0/8"), IpNetwork.fromStringUnsafe("10.0.0.0/8")]

describe("analytics/FastPath: rate limits", () => {
  const once = { name: "analytics", limit: 1, windowMillis: 60_000 }
  layer(TestServer.layer({ trustedProxies, rateLimitAnalytics: Option.some(once) }), { excludeTestServices: true })(
    (it) => {
      it.effect("a client is counted under the same address on both paths", () =>
        Effect.gen(function* () {
          const { trackingToken, url } = yield* TestServer.TestServer
          const body = JSON.stringify({ site_id: trackingToken, page_path: "/" })
          const statuses = yield* Effect.forEach(
            [
              ["length", "198.51.100.7"],
              ["chunked", "198.51.100.7"],
              ["chunked", "2001:db8::1"],
              ["length", "2001:db8::2, 10.0.0.9"],
              ["length", "198.51.100.8"],
              ["chunked", "198.51.100.8, nobody"]
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
})
