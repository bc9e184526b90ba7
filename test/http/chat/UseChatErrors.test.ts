/**
 * The errors that a visitor sees in `useChat`.
 */
import { assert, describe, layer } from "@effect/vitest"
import { Effect, Option } from "effect"
import type { RateLimitPolicy } from "../../../src/core/limits/RateLimit.ts"
import { layer as testServer } from "../../support/TestServer.ts"
import { recorder, send, useChat } from "../../support/UseChatClient.ts"

describe("errors in useChat", () => {
  layer(testServer({}, recorder().script, undefined, undefined, "edge"), { excludeTestServices: true })((it) => {
    it.effect("an answer that breaks off is an error with a readable message", () =>
      Effect.gen(function* () {
        const chat = yield* useChat()
        yield* send(chat, "break")
        assert.deepStrictEqual(
          [chat.status, chat.error?.message],
          ["error", "The answer was interrupted. Please try again."]
        )
      })
    )

    it.effect("a refusal is an error with a readable message", () =>
      Effect.gen(function* () {
        const busy = yield* useChat()
        yield* send(busy, "busy")
        assert.match(busy.error?.message ?? "", /^The assistant is busy\. Please try again in \d+ seconds?\.$/)
        const unauthorized = yield* useChat({ token: "hwt_wrong" })
        yield* send(unauthorized, "hello")
        assert.match(unauthorized.error?.message ?? "", /^The X-Widget-Token header holds no valid token/)
        const long = yield* useChat()
        yield* send(long, "x".repeat(8_001))
        assert.strictEqual(long.error?.message, "A message may have at most 8000 characters; please shorten it.")
        const unknownInstance = yield* useChat({ instanceId: "no-uuid" })
        yield* send(unknownInstance, "hello")
        assert.match(unknownInstance.error?.message ?? "", /^Input should be a valid UUID/)
        const empty = yield* useChat()
        yield* send(empty, "")
        assert.strictEqual(empty.error?.message, "The newest message has no text; please write one.")
      })
    )
  })
})

describe("useChat over the rate limit", () => {
  const policy: RateLimitPolicy = { name: "chat", limit: 1, windowMillis: 60_000 }
  layer(testServer({ rateLimitChat: Option.some(policy) }, undefined, undefined, undefined, "edge"), {
    excludeTestServices: true
  })((it) => {
    it.effect("gets a readable rate-limit error for a short and for a long message", () =>
      Effect.gen(function* () {
        const chat = yield* useChat()
        yield* send(chat, "one")
        for (const text of ["two", "x".repeat(7_000)]) {
          yield* send(chat, text)
          assert.match(chat.error?.message ?? "", /^Too many requests from this address\./)
        }
      })
    )
  })
})
