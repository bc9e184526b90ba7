/**
 * When an agent's answer is read, and when not: the exchange alone, without a network.
 */
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { Exchange } from "../../src/agent/Exchange.ts"
import * as DeadlineScheduler from "../../src/runtime/DeadlineScheduler.ts"
import { says, sse } from "../support/TestUpstream.ts"

it.effect("what a reader does not take holds the agent back, until it takes it", () =>
  Effect.gen(function* () {
    const exchange = new Exchange(yield* DeadlineScheduler.make, 60_000)
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
    exchange.onRequestStart(controller)
    exchange.onResponseStart(controller, 200, sse)
    let pieces = 0
    while (!controller.paused && pieces < 1_000) {
      exchange.onResponseData(controller, Buffer.from(says("x".repeat(1_000))))
      pieces++
    }
    // No more than a small buffer is read ahead.
    assert.isTrue(controller.paused)
    assert.isBelow(pieces, 30)
    const events = yield* exchange.pull
    assert.strictEqual(events.length, pieces + 1)
    yield* Effect.promise(() => Promise.resolve())
    assert.isFalse(controller.paused)
  })
)
