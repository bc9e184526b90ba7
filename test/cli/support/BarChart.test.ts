import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as StatsText from "../../../src/cli/support/StatsText.ts"
import * as TerminalText from "../../../src/platform/text/TerminalText.ts"

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))
const Bars = Schema.Array(Schema.Struct({ label: Schema.String, value: between(0, 1_000_000_000) })).check(
  Schema.isMaxLength(12)
)
const Width = between(0, 140)

const linesOf = (bars: ReadonlyArray<StatsText.Bar>, width: number): Array<string> => {
  const lines = StatsText.drawBars(bars, width).split("\n")
  assert.strictEqual(lines.pop(), "")
  return lines
}

const parts = ["▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"]

/** The length of a line's bar, in eighths of a cell. */
const lengthOf = (line: string): number =>
  [...(/([▏▎▍▌▋▊▉█]*) *\d+$/.exec(line)?.[1] ?? "")].reduce((sum, part) => sum + parts.indexOf(part) + 1, 0)

const withPlainLabels = (bars: ReadonlyArray<StatsText.Bar>) =>
  bars.map((bar, index) => ({ ...bar, label: `day ${index}` }))

describe("cli/support/StatsText: bars", () => {
  it.prop(
    "a chart has a line per bar, which ends with the bar's number and is not too wide",
    [Bars, Width],
    ([bars, width]) => {
      const lines = linesOf(bars, width)
      assert.strictEqual(lines.length, bars.length)
      for (const [index, line] of lines.entries()) {
        assert.isTrue(line.endsWith(` ${bars[index]!.value}`))
        assert.isAtMost(TerminalText.width(line), Math.max(width, StatsText.minWidth))
      }
    }
  )

  it.prop("a larger number never has a shorter bar, and only zero has no bar", [Bars, Width], ([bars, width]) => {
    const lengths = linesOf(withPlainLabels(bars), width).map(lengthOf)
    for (const [i, { value }] of bars.entries()) {
      assert.strictEqual(lengths[i] === 0, value === 0)
      for (const [j, other] of bars.entries()) if (value > other.value) assert.isAtLeast(lengths[i]!, lengths[j]!)
    }
  })

  it.prop(
    "bars are proportional to their numbers, with a precision of an eighth of a cell, and the longest fills its column",
    [Bars, Width],
    ([bars, width]) => {
      const lengths = linesOf(withPlainLabels(bars), width).map(lengthOf)
      const most = Math.max(0, ...bars.map(({ value }) => value))
      if (most === 0) return
      const longest = Math.max(...lengths)
      assert.strictEqual(longest % 8, 0)
      for (const [index, { value }] of bars.entries()) {
        assert.isAtMost(Math.abs(lengths[index]! - (value / most) * longest), 1)
      }
    }
  )

  it("a chart with a long number and control characters in a label is exactly as wide as the minimum", () => {
    const lines = linesOf([{ label: "\0\0?t6|", value: 1_000_000_000 }], 18)
    assert.strictEqual(TerminalText.width(lines[0]!), StatsText.minWidth)
  })

  it("draws a week", () => {
    assert.strictEqual(
      StatsText.drawBars(
        [
          { label: "2026-03-01", value: 0 },
          { label: "2026-03-02", value: 100 },
          { label: "2026-03-03", value: 50 },
          { label: "2026-03-04", value: 1 }
        ],
        36
      ),
      [
        "2026-03-01                         0",
        "2026-03-02  ███████████████████  100",
        "2026-03-03  █████████▌            50",
        "2026-03-04  ▎                      1",
        ""
      ].join("\n")
    )
  })
})
