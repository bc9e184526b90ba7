import { assert, describe, it } from "@effect/vitest"
import { Option, Schema } from "effect"
import { headers, parse, type RateLimitPolicy } from "../../../src/platform/limits/RateLimit.ts"
import { decideByTimes } from "../../support/RateLimits.ts"

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))
const spaces = Schema.Literals(["", " ", "\t "])
const units = { second: 1_000, minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const
const Unit = Schema.Literals(["second", "minute", "hour", "day"])

/** Limits, and texts that resemble limits. Random texts would rarely be either. */
const Attempt = Schema.Struct({
  left: spaces,
  number: Schema.Union([between(0, 20), between(999_990, 1_000_010), between(-5, 5_000_000)]),
  slash: Schema.Literals(["/", "/", "/", "//", "", "per", "\\"]),
  right: spaces,
  unit: Schema.Literals(["second", "minute", "hour", "day", "minutes", "Minute", "week", "min", ""])
})

/** The pauses between a client's requests, in milliseconds. */
const Waits = Schema.Array(between(0, 400)).check(Schema.isMaxLength(60))
const LimitAndWindow = Schema.Struct({ limit: between(1, 5), windowMillis: between(1, 1000) })

/** The decisions on consecutive requests. */
const run = (policy: RateLimitPolicy, waits: ReadonlyArray<number>) => {
  const accepted: Array<number> = []
  let now = 0
  const decisions = waits.map((wait) => {
    now += wait
    const decision = decideByTimes(policy, accepted, now)
    if (decision.accepted) accepted.push(now)
    return { now, decision }
  })
  return { accepted, decisions, now }
}

describe("platform/limits/RateLimit.parse", () => {
  it.prop("reads a limit with spaces", [between(1, 999_999), Unit, spaces, spaces], ([limit, unit, left, right]) => {
    assert.deepStrictEqual(
      parse("forms", `${left}${limit}${right}/${left}${unit}${right}`),
      Option.some({ name: "forms", limit, windowMillis: units[unit] })
    )
  })

  it.prop("reads a number from 1 to 999,999, a slash and a unit, and nothing else", [Attempt], ([attempt]) => {
    const { left, number, right, slash, unit } = attempt
    const isLimit = number >= 1 && number <= 999_999 && slash === "/" && unit in units
    assert.deepStrictEqual(
      parse("forms", `${left}${number}${left}${slash}${right}${unit}${right}`),
      isLimit
        ? Option.some({ name: "forms", limit: number, windowMillis: units[unit as keyof typeof units] })
        : Option.none()
    )
  })

  it("rejects texts that are not a limit", () => {
    for (const text of [
      "",
      "0/minute",
      "-1/minute",
      "1.5/minute",
      "1e3/minute",
      "1000000/day",
      "5/week",
      "5 minute",
      "5/minutes",
      "5/Minute",
      "٥/minute",
      "5/minute/minute"
    ]) {
      assert.isTrue(Option.isNone(parse("forms", text)), text)
    }
  })
})

describe("platform/limits/RateLimit.decide", () => {
  it.prop("accepts at most the limit in any window", [LimitAndWindow, Waits], ([limitAndWindow, waits]) => {
    const { accepted } = run({ name: "a", ...limitAndWindow }, waits)
    for (const start of accepted) {
      const inside = accepted.filter((time) => time >= start && time < start + limitAndWindow.windowMillis)
      assert.isAtMost(inside.length, limitAndWindow.limit)
    }
  })

  it.prop("refuses a request only if it would exceed the limit", [LimitAndWindow, Waits], ([limitAndWindow, waits]) => {
    const { accepted, decisions } = run({ name: "a", ...limitAndWindow }, waits)
    for (const { decision, now } of decisions) {
      if (decision.accepted) continue
      const counted = accepted.filter((time) => time <= now && time > now - limitAndWindow.windowMillis)
      assert.strictEqual(counted.length, limitAndWindow.limit)
    }
  })

  it.prop("accepts exactly `remaining` more requests at once", [LimitAndWindow, Waits], ([limitAndWindow, waits]) => {
    const policy = { name: "a", ...limitAndWindow }
    const { accepted, decisions, now } = run(policy, waits)
    const last = decisions.at(-1)
    if (last === undefined) return
    const times = [...accepted]
    for (let more = 0; more < last.decision.remaining; more++) {
      assert.isTrue(decideByTimes(policy, times, now).accepted)
      times.push(now)
    }
    assert.isFalse(decideByTimes(policy, times, now).accepted)
  })

  it.prop("`resetMillis` is exact to the millisecond", [LimitAndWindow, Waits], ([limitAndWindow, waits]) => {
    const policy = { name: "a", ...limitAndWindow }
    const { accepted, now } = run(policy, waits)
    const full = [...accepted]
    while (decideByTimes(policy, full, now).accepted) full.push(now)
    const { resetMillis } = decideByTimes(policy, full, now)
    assert.isAbove(resetMillis, 0)
    assert.isAtMost(resetMillis, limitAndWindow.windowMillis)
    assert.isFalse(decideByTimes(policy, full, now + resetMillis - 1).accepted)
    assert.isTrue(decideByTimes(policy, full, now + resetMillis).accepted)
  })
})

describe("platform/limits/RateLimit.headers", () => {
  const field = /^"([a-z]+)";r=(\d+);t=([1-9]\d*)$/

  it.prop("a client that waits for Retry-After is accepted", [LimitAndWindow, Waits], ([limitAndWindow, waits]) => {
    const policy = { name: "forms", ...limitAndWindow }
    const { accepted, decisions, now } = run(policy, waits)
    const last = decisions.at(-1)
    if (last === undefined) return
    const fields = headers(policy)(last.decision)
    assert.strictEqual("retry-after" in fields, !last.decision.accepted)
    if (last.decision.accepted) return
    assert.isTrue(decideByTimes(policy, accepted, now + Number(fields["retry-after"]) * 1000).accepted)
  })

  it.prop(
    "formats the fields of the RateLimit draft, with 1 or more whole seconds",
    [LimitAndWindow, Waits],
    ([limitAndWindow, waits]) => {
      const policy = { name: "forms", ...limitAndWindow }
      for (const { decision } of run(policy, waits).decisions) {
        const fields = headers(policy)(decision)
        assert.strictEqual(
          fields["ratelimit-policy"],
          `"forms";q=${limitAndWindow.limit};w=${Math.ceil(limitAndWindow.windowMillis / 1000)}`
        )
        const [, name, remaining, reset] = field.exec(fields["ratelimit"] ?? "") ?? []
        assert.deepStrictEqual([name, remaining], ["forms", String(decision.remaining)])
        assert.isAtLeast(Number(reset) * 1000, decision.resetMillis)
        assert.isBelow((Number(reset) - 1) * 1000, Math.max(decision.resetMillis, 1))
      }
    }
  )
})
