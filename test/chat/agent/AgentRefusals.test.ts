import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import type { AgentRequest, ModelMessage } from "../../../src/chat/agent/Agent.ts"
import * as AgentRefusals from "../../../src/chat/agent/AgentRefusals.ts"
import { instanceAt } from "../../support/TestUpstream.ts"

/** The date of the response. */
const date = "Wed, 21 Oct 2026 07:28:00 GMT"

describe("chat/agent/AgentRefusals: Retry-After", () => {
  it.prop(
    "for any headers, the wait is a whole number of seconds within the bounds",
    [Schema.UndefinedOr(Schema.String), Schema.UndefinedOr(Schema.String)],
    ([header, anyDate]) => {
      const seconds = AgentRefusals.retryAfterSeconds(header, anyDate)
      assert.isTrue(Number.isInteger(seconds))
      assert.isTrue(seconds >= AgentRefusals.retryAfterBounds.min && seconds <= AgentRefusals.retryAfterBounds.max)
    }
  )

  it("the wait is the header's seconds, or the time from the response's date to the header's, within the bounds; without either, the default", () => {
    for (const [header, expected] of [
      ["7", 7],
      ["0", AgentRefusals.retryAfterBounds.min],
      ["2.5", 3],
      ["86400", AgentRefusals.retryAfterBounds.max],
      ["Wed, 21 Oct 2026 07:28:30 GMT", 30],
      ["Wed, 21 Oct 2026 07:00:00 GMT", AgentRefusals.retryAfterBounds.min],
      ["soon", AgentRefusals.retryAfterBounds.default],
      [undefined, AgentRefusals.retryAfterBounds.default]
    ] as const) {
      assert.strictEqual(AgentRefusals.retryAfterSeconds(header, date), expected, header)
    }
  })
})

const instance = instanceAt("http://agent")
const user: ModelMessage = { role: "user", text: "last" }
const request = (history: ReadonlyArray<ModelMessage>): AgentRequest => ({
  instance,
  session: "s",
  messages: [...history, user]
})

const Role = Schema.Literals(["user", "assistant"])

describe("chat/agent/AgentRefusals: a request that is too long", () => {
  it.prop(
    "halving a request keeps its newest messages: it is shorter, ends with the last message and begins with a visitor's",
    [Schema.Array(Role)],
    ([roles]) => {
      const whole = request(roles.map((role, index) => ({ role, text: String(index) })))
      const half = AgentRefusals.halve(whole)
      if (half === null) {
        assert.lengthOf(whole.messages, 1)
        return
      }
      assert.isAtMost(half.messages.length - 1, (whole.messages.length - 1) / 2)
      assert.deepStrictEqual<ReadonlyArray<ModelMessage>>(half.messages, whole.messages.slice(-half.messages.length))
      assert.strictEqual(half.messages[0]?.role, "user")
      assert.strictEqual(half.messages.at(-1), user)
    }
  )

  it("recognizes the errors of providers for a request that is too long", () => {
    for (const [status, body] of [
      [400, `{"error":{"code":"context_length_exceeded","message":"…"}}`],
      [
        400,
        `{"object":"error","message":"This model's maximum context length is 4096 tokens. However, you requested"}`
      ],
      [400, `{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 210000 tokens"}}`],
      [400, `{"error":{"type":"exceed_context_size_error","message":"request (9000 tokens) exceeds"}}`],
      [400, `{"error":"This model's maximum prompt length is 131072 but the request contains 200000 tokens."}`],
      [400, "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576)."],
      [413, `{"error":{"message":"Please reduce the length of the messages or completion."}}`],
      [422, "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096"],
      [500, "Trying to keep the first 5000 tokens when context the overflows."]
    ] as const) {
      assert.isTrue(AgentRefusals.isTooLong(status, body), body)
    }
  })

  it("does not recognize other refusals", () => {
    for (const [status, body] of [
      [401, "context_length_exceeded"],
      [429, "Please reduce the length of the messages"],
      [400, `{"error":{"message":"Unknown parameter: 'user'."}}`],
      [400, ""],
      [500, "internal error"]
    ] as const) {
      assert.isFalse(AgentRefusals.isTooLong(status, body), body)
    }
  })
})
