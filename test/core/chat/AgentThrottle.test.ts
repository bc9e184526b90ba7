import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as AgentThrottle from "../../../src/core/chat/AgentThrottle.ts"

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

const Arrival = Schema.Struct({
  /** Since the one before, in milliseconds. */
  pause: between(0, 3_000),
  bytes: between(1, 65_536),
  frames: between(0, 8_000),
  lines: between(0, 65_536),
  units: between(0, 100)
})
const Arrivals = Schema.Array(Arrival).check(Schema.isMinLength(1), Schema.isMaxLength(80))

const costOf = ({ bytes, frames, lines }: AgentThrottle.Piece) =>
  Math.max(bytes, AgentThrottle.frameCost * Math.max(1, frames), AgentThrottle.lineCost * lines)

describe("core/chat/AgentThrottle", () => {
  it.prop(
    "who waits as told reads no more in any time than the burst, the rate and one piece",
    [Arrivals],
    ([arrivals]) => {
      let state = AgentThrottle.initial
      let now = 0
      const read: Array<{ readonly now: number; readonly cost: number }> = []
      for (const piece of arrivals) {
        now += Math.max(piece.pause, AgentThrottle.wait(state))
        state = AgentThrottle.take(state, now, piece)
        read.push({ now, cost: costOf(piece) })
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
    for (const piece of arrivals) {
      now += Math.max(piece.pause, (costOf(piece) * 1000) / AgentThrottle.rate)
      state = AgentThrottle.take(state, now, piece)
      assert.strictEqual(AgentThrottle.wait(state), 0)
    }
  })

  it.prop(
    "a wait is as long as it has to be: just after it, nothing more is to be waited for",
    [Arrivals],
    ([arrivals]) => {
      let state = AgentThrottle.initial
      for (const piece of arrivals) state = AgentThrottle.take(state, 0, piece)
      const wait = AgentThrottle.wait(state)
      const atIts = (time: number) =>
        AgentThrottle.wait({ ...state, level: Math.max(0, state.level - (time * AgentThrottle.rate) / 1000) })
      assert.strictEqual(atIts(wait + 0.001), 0)
      if (wait > AgentThrottle.pause + 1) assert.isAbove(atIts(wait - 1), 0)
    }
  )

  it.prop(
    "text in frames of its own is never too much; what comes besides is, once it passes the bound",
    [between(1, 512), between(1, 4), between(1, 65_536), between(0, 200)],
    ([bytes, units, silentBytes, frames]) => {
      let talk = AgentThrottle.initial
      for (let token = 0; token < 1_000; token++)
        talk = AgentThrottle.take(talk, 0, { bytes, frames: 1, lines: 4, units })
      assert.isAtMost(talk.overhead, 0)

      let hush = AgentThrottle.initial
      let sum = 0
      while (sum <= AgentThrottle.maxOverhead) {
        assert.isFalse(AgentThrottle.isOver(hush))
        const piece = { bytes: silentBytes + 4096, frames, lines: 2 * frames, units: 0 }
        hush = AgentThrottle.take(hush, 0, piece)
        sum += costOf(piece)
      }
      assert.isTrue(AgentThrottle.isOver(hush))
    }
  )

  it.prop(
    "a piece in which nothing ends costs a frame all the same, and who is over by little waits as long as any",
    [between(1, AgentThrottle.frameCost)],
    ([bytes]) => {
      let state = AgentThrottle.initial
      const most = AgentThrottle.burst / AgentThrottle.frameCost
      for (let piece = 0; piece < most; piece++)
        state = AgentThrottle.take(state, 0, { bytes, frames: 0, lines: 0, units: 0 })
      assert.strictEqual(state.overhead, AgentThrottle.burst)
      assert.strictEqual(AgentThrottle.wait(state), 0)
      state = AgentThrottle.take(state, 0, { bytes, frames: 0, lines: 0, units: 0 })
      assert.strictEqual(AgentThrottle.wait(state), AgentThrottle.pause)
    }
  )

  it("a clock that goes back does not lower the level", () => {
    const state = AgentThrottle.take(AgentThrottle.initial, 1_000, { bytes: 1_000_000, frames: 0, lines: 0, units: 0 })
    assert.strictEqual(
      AgentThrottle.take(state, 0, { bytes: 1_000_000, frames: 0, lines: 0, units: 0 }).level,
      2_000_000
    )
  })
})
