/** When an agent's response is paused. Tested on the response alone, without a network. */
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { AgentResponse } from "../../../src/chat/agent/AgentResponse.ts"
import { protocols } from "../../../src/chat/agent/Protocols.ts"
import * as DeadlineScheduler from "../../../src/runtime/DeadlineScheduler.ts"
import { says, sse } from "../../support/TestUpstream.ts"

it.effect("the agent is paused while nothing is read from its response", () =>
  Effect.gen(function* () {
    const response = new AgentResponse({
      protocol: protocols["openai-chat"],
      scheduler: yield* DeadlineScheduler.make,
      timeout: 60_000,
      retry: () => undefined
    })
    const controller = {
      paused: false,
      aborted: false,
      reason: null,
      rawHeaders: null,
      rawTrailers: null,
      pause: () => {
        controller.paused = true
      },
      resume: () => {
        controller.paused = false
      },
      abort: () => {}
    }
    response.onRequestStart(controller)
    response.onResponseStart(controller, 200, sse)
    let chunkCount = 0
    while (!controller.paused && chunkCount < 1_000) {
      response.onResponseData(controller, Buffer.from(says("x".repeat(1_000))))
      chunkCount++
    }
    // No more than a small buffer is read ahead.
    assert.isTrue(controller.paused)
    assert.isBelow(chunkCount, 30)
    const events = yield* response.pull
    assert.strictEqual(events.length, chunkCount + 1)
    yield* Effect.promise(() => Promise.resolve())
    assert.isFalse(controller.paused)
  })
)
