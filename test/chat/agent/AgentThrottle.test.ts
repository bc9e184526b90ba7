import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as AgentThrottle from "../../../src/chat/agent/AgentThrottle.ts"

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

const Arrival = Schema.Struct({
  /** Milliseconds since the previous arrival. */
  delay: between(0, 3_000),
  bytes: between(1, 65_536),
  frames: between(0, 8_000),
  units: between(0, 100)
})
const Arrivals = Schema.Array(Arrival).check(Schema.isMinLength(1), Schema.isMaxLength(80))

const costOf = ({ bytes, frames }: AgentThrottle.Chunk) =>
  Math.max(bytes, AgentThrottle.frameCost * Math.max(1, frames))

describe("chat/agent/AgentThrottle", () => {
  it.prop(
    "a reader that observes the waits reads at most the sum of the burst, the rate times the elapsed time, and one chunk",
    [Arrivals],
    ([arrivals]) => {
      let state = AgentThrottle.initial
      let now = 0
      const read: Array<{ readonly now: number; readonly cost: number }> = []
      for (const chunk of arrivals) {
        now += Math.max(chunk.delay, AgentThrottle.wait(state))
        state = AgentThrottle.take(state, now, chunk)
        read.push({ now, cost: costOf(chunk) })
      }
      for (const [first, { now: since }] of read.entries()) {
        let sum = 0
        for (const { cost, now } of read.slice(first)) {
          assert.isAtMost(sum, AgentThrottle.burst + (AgentThrottle.rate * (now - since)) / 1000 + 1)
          sum += cost
        }
      }
    }
  )

  it.prop("an agent within the rate never waits, however long it sends", [Arrivals], ([arrivals]) => {
    let state = AgentThrottle.initial
    let now = 0
    for (const chunk of arrivals) {
      now += Math.max(chunk.delay, (costOf(chunk) * 1000) / AgentThrottle.rate)
      state = AgentThrottle.take(state, now, chunk)
      assert.strictEqual(AgentThrottle.wait(state), 0)
    }
  })

  it.prop(
    "after a wait the next wait is 0; a millisecond earlier it is not, unless the wait was the minimum pause",
    [Arrivals],
    ([arrivals]) => {
      let state = AgentThrottle.initial
      for (const chunk of arrivals) state = AgentThrottle.take(state, 0, chunk)
      const wait = AgentThrottle.wait(state)
      const waitAfter = (time: number) =>
        AgentThrottle.wait({ ...state, level: Math.max(0, state.level - (time * AgentThrottle.rate) / 1000) })
      assert.strictEqual(waitAfter(wait + 0.001), 0)
      if (wait > AgentThrottle.pause + 1) assert.isAbove(waitAfter(wait - 1), 0)
    }
  )

  it.prop(
    "text with one token per frame has no overhead; data without text exceeds the maximum overhead once it costs more",
    [between(1, 512), between(1, 4), between(1, 65_536), between(0, 200)],
    ([bytes, units, otherBytes, frames]) => {
      let textOnly = AgentThrottle.initial
      for (let token = 0; token < 1_000; token++)
        textOnly = AgentThrottle.take(textOnly, 0, { bytes, frames: 1, units })
      assert.isAtMost(textOnly.overhead, 0)

      let noText = AgentThrottle.initial
      let sum = 0
      while (sum <= AgentThrottle.maxOverhead) {
        assert.isFalse(AgentThrottle.isExceeded(noText))
        const chunk = { bytes: otherBytes + 4096, frames, units: 0 }
        noText = AgentThrottle.take(noText, 0, chunk)
        sum += costOf(chunk)
      }
      assert.isTrue(AgentThrottle.isExceeded(noText))
    }
  )

  it.prop(
    "a chunk without a complete frame costs one frame, and the shortest wait is a pause",
    [between(1, AgentThrottle.frameCost)],
    ([bytes]) => {
      let state = AgentThrottle.initial
      const maxChunks = AgentThrottle.burst / AgentThrottle.frameCost
      for (let chunk = 0; chunk < maxChunks; chunk++)
        state = AgentThrottle.take(state, 0, { bytes, frames: 0, units: 0 })
      assert.strictEqual(state.overhead, AgentThrottle.burst)
      assert.strictEqual(AgentThrottle.wait(state), 0)
      state = AgentThrottle.take(state, 0, { bytes, frames: 0, units: 0 })
      assert.strictEqual(AgentThrottle.wait(state), AgentThrottle.pause)
    }
  )

  it("a clock that goes back does not lower the level", () => {
    const state = AgentThrottle.take(AgentThrottle.initial, 1_000, { bytes: 1_000_000, frames: 0, units: 0 })
    assert.strictEqual(AgentThrottle.take(state, 0, { bytes: 1_000_000, frames: 0, units: 0 }).level, 2_000_000)
  })
})
