import { createServer, type Server } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { isValid, overlap } from "../../../src/platform/http/Host.ts"

const listen = (host: string, port: number): Effect.Effect<Server | undefined> =>
  Effect.callback((resume) => {
    const server = createServer()
    server.once("error", () => resume(Effect.succeed(undefined)))
    server.listen({ host, port }, () => resume(Effect.succeed(server)))
  })

const close = (server: Server) => Effect.callback<void>((resume) => void server.close(() => resume(Effect.void)))

/** Whether this machine lets servers on both hosts have the same port. */
const canShare = Effect.fnUntraced(function* (a: string, b: string) {
  const first = yield* listen(a, 0)
  const address = first?.address()
  if (first === undefined || address === null || typeof address !== "object") return undefined
  const second = yield* listen(b, address.port)
  yield* close(first)
  if (second !== undefined) yield* close(second)
  return second !== undefined
})

describe("platform/http/Host", () => {
  it("accepts addresses and names", () => {
    for (const host of [
      "127.0.0.1",
      "0.0.0.0",
      "::",
      "::1",
      "fe80::1%eth0",
      "localhost",
      "edge-1.example.com.",
      "my_host",
      "0"
    ]) {
      assert.isTrue(isValid(host), host)
    }
  })

  it("rejects texts that can be neither", () => {
    for (const host of [
      "",
      "[::1]",
      "10.0.0.256",
      "1.2.3.4.5",
      "0.0.0.0:8080",
      "http://0.0.0.0",
      "10.0.0.0/8",
      "my host",
      "a..b",
      ".",
      "*",
      "a%20b",
      "fe80::1::2",
      "a".repeat(254)
    ]) {
      assert.isFalse(isValid(host), host)
    }
  })

  it("knows which hosts can be the same address", () => {
    for (const [a, b, expected] of [
      ["127.0.0.1", "127.0.0.1", true],
      ["127.0.0.1", "127.0.0.2", false],
      ["127.0.0.1", "0.0.0.0", true],
      ["10.0.0.4", "0", true],
      ["0.0.0.0", "::1", false],
      ["0.0.0.0", "::", true],
      ["10.0.0.4", "::", true],
      ["::ffff:10.0.0.4", "10.0.0.4", true],
      ["localhost", "127.0.0.1", true],
      ["localhost", "10.0.0.4", false],
      ["Edge.internal", "edge.internal", true],
      ["edge.internal", "10.0.0.4", false],
      ["edge.internal", "0.0.0.0", true]
    ] as const) {
      assert.strictEqual(overlap(a, b), expected, `${a} ${b}`)
      assert.strictEqual(overlap(b, a), expected, `${b} ${a}`)
    }
  })

  it.live("agrees with this machine", () =>
    Effect.gen(function* () {
      const hosts = ["127.0.0.1", "127.0.0.2", "0.0.0.0", "::1", "::"]
      for (const a of hosts) {
        for (const b of hosts) {
          const shared = yield* canShare(a, b)
          if (shared !== undefined) assert.strictEqual(overlap(a, b), !shared, `${a} ${b}`)
        }
      }
    })
  )
})
