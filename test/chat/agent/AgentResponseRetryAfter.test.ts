import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as AgentResponse from "../../../src/chat/agent/AgentResponse.ts"

/** The date of the response. */
const date = "Wed, 21 Oct 2026 07:28:00 GMT"

describe("chat/agent/AgentResponse: Retry-After", () => {
  it.prop(
    "for any headers, the wait is a whole number of seconds within the bounds",
    [Schema.UndefinedOr(Schema.String), Schema.UndefinedOr(Schema.String)],
    ([header, anyDate]) => {
      const seconds = AgentResponse.retryAfterSeconds(header, anyDate)
      assert.isTrue(Number.isInteger(seconds))
      assert.isTrue(seconds >= AgentResponse.retryAfterBounds.min && seconds <= AgentResponse.retryAfterBounds.max)
    }
  )

  it("the wait is the header's seconds, or the time from the response's date to the header's, within the bounds; without either, the default", () => {
    for (const [header, expected] of [
      ["7", 7],
      ["0", AgentResponse.retryAfterBounds.min],
      ["2.5", 3],
      ["86400", AgentResponse.retryAfterBounds.max],
      ["Wed, 21 Oct 2026 07:28:30 GMT", 30],
      ["Wed, 21 Oct 2026 07:00:00 GMT", AgentResponse.retryAfterBounds.min],
      ["soon", AgentResponse.retryAfterBounds.default],
      [undefined, AgentResponse.retryAfterBounds.default]
    ] as const) {
      assert.strictEqual(AgentResponse.retryAfterSeconds(header, date), expected, header)
    }
  })
})
