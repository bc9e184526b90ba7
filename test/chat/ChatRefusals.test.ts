import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { AgentBusy, AgentRefused, AgentTimeout, DailyTokensUsed } from "../../src/chat/AgentStream.ts"
import * as ChatRefusals from "../../src/chat/ChatRefusals.ts"

it.effect(
  "chat/ChatRefusals: each agent error has its status, a message that reveals no reason, and Retry-After if known",
  () =>
    Effect.gen(function* () {
      for (const [error, status, retryAfter] of [
        [new AgentRefused({ reason: "secret" }), 502, undefined],
        [new AgentTimeout(), 504, undefined],
        [new AgentBusy({ reason: "secret", retryAfter: 7 }), 503, "7"],
        [new DailyTokensUsed({ retryAfter: 3600 }), 429, "3600"]
      ] as const) {
        const { body, headers, status: actual } = yield* ChatRefusals.ofAgent(error, { ratelimit: "r" })
        assert.deepStrictEqual([actual, headers["retry-after"], headers["ratelimit"]], [status, retryAfter, "r"])
        const text = body._tag === "Uint8Array" ? Buffer.from(body.body).toString() : ""
        assert.match(text, /^\{"detail":"The assistant .+\."\}$/)
        assert.notInclude(text, "secret")
      }
    })
)
