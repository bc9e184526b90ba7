import { describe, expect, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Comparison from "./harness/Comparison.ts"
import * as Statistics from "./harness/Statistics.ts"

const Sample = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1_000 }))
const Samples = Schema.Array(Sample).check(Schema.isMinLength(1), Schema.isMaxLength(30))

const cost = (total: number) => ({ requests: 100, perSecond: 10, own: total * 0.75, postgres: total * 0.25 })
const pairsOf = (ratios: ReadonlyArray<number>, baseline = 40) =>
  ratios.map((ratio) => ({ current: cost(baseline * ratio), baseline: cost(baseline) }))

describe("the interval of the median", () => {
  it.prop("contains the median and consists of samples", [Samples], ([samples]) => {
    const { high, low } = Statistics.medianInterval(samples, 0.95)
    const median = Statistics.median(samples)
    expect(low).toBeLessThanOrEqual(median)
    expect(high).toBeGreaterThanOrEqual(median)
    expect(samples).toContain(low)
    expect(samples).toContain(high)
  })

  it("drops as many samples at each end as the binomial distribution allows", () => {
    // The chance of at most 2 heads in 12 tosses is 79 / 4096. Subtracted at both ends, it leaves 96.1 %.
    // The chance of at most 3 heads leaves 85.4 %.
    const twelve = Array.from({ length: 12 }, (_, index) => index)
    expect(Statistics.medianInterval(twelve, 0.95)).toEqual({ low: 2, high: 9 })
    expect(Statistics.medianInterval(twelve, 0.85)).toEqual({ low: 3, high: 8 })
    expect(Statistics.medianInterval([1, 2, 3], 0.95)).toEqual({ low: 1, high: 3 })
  })

  it.prop("is not narrower with more confidence", [Samples], ([samples]) => {
    const narrow = Statistics.medianInterval(samples, 0.8)
    const wide = Statistics.medianInterval(samples, 0.99)
    expect(wide.low).toBeLessThanOrEqual(narrow.low)
    expect(wide.high).toBeGreaterThanOrEqual(narrow.high)
  })
})

describe("the comparison of two revisions", () => {
  it.prop("exchanging the revisions inverts ratio and verdict", [Samples, Samples], ([first, second]) => {
    const pairs = first.slice(0, second.length).map((current, index) => ({
      current: cost(current),
      baseline: cost(second[index] ?? 1)
    }))
    const forward = Comparison.judge(pairs)
    const backward = Comparison.judge(pairs.map(({ baseline, current }) => ({ current: baseline, baseline: current })))
    expect(forward.ratio * backward.ratio).toBeCloseTo(1, 9)
    expect(forward.interval.low * backward.interval.high).toBeCloseTo(1, 9)
    const inverse = { more: "less", less: "more", same: "same", unclear: "unclear" } as const
    expect(backward.verdict).toBe(inverse[forward.verdict])
  })

  it.prop("a machine that is slower during a pair changes nothing", [Samples], ([slowness]) => {
    const pairs = slowness.map((factor) => ({ current: cost(44 * factor), baseline: cost(40 * factor) }))
    expect(Comparison.judge(pairs)).toMatchObject({ ratio: expect.closeTo(1.1, 9), verdict: "more" })
  })

  it("says more or less only if the ratio is beyond 3 % and the interval excludes 1", () => {
    const around = (ratio: number, noise: number) =>
      pairsOf(Array.from({ length: 12 }, (_, index) => ratio + noise * ((index % 3) - 1)))
    expect(Comparison.judge(around(1.05, 0.01)).verdict).toBe("more")
    expect(Comparison.judge(around(0.95, 0.01)).verdict).toBe("less")
    expect(Comparison.judge(around(1.01, 0.01)).verdict).toBe("same")
    expect(Comparison.judge(around(1.02, 0.1)).verdict).toBe("unclear")
    expect(Comparison.judge(around(1.05, 0.1)).verdict).toBe("unclear")
  })

  it("reports one table, and one verdict for each endpoint", () => {
    const measured = [
      { request: "page view", pairs: pairsOf([1.1, 1.1, 1.1]) },
      { request: "submission", pairs: pairsOf([1, 1, 1]) }
    ]
    const { costsMore, text } = Comparison.report(measured, { current: "this checkout", baseline: "main" })
    const [table = "", verdicts = ""] = text.split("\n\n")
    expect(table.split("\n")).toHaveLength(2 + 4)
    expect(verdicts.split("\n")).toEqual([
      "page view: costs MORE: 1.100 times the processor time of main (1.100 to 1.100)",
      "submission: costs the same (within 3 %): 1.000 times the processor time of main (1.000 to 1.000)"
    ])
    expect(costsMore).toBe(true)
    expect(Comparison.report(measured.slice(1), { current: "a", baseline: "b" }).costsMore).toBe(false)
  })
})
