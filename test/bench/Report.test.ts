import { describe, expect, it } from "@effect/vitest"
import { Schema } from "effect"
import { goals, type Measure, names, regressions } from "./harness/Measure.ts"
import * as Numbers from "./harness/Numbers.ts"
import * as Picture from "./harness/Picture.ts"
import * as Table from "./harness/Table.ts"

const Sample = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1_000_000 }))
const Samples = Schema.Array(Sample).check(Schema.isMinLength(1), Schema.isMaxLength(20))

describe("Numbers", () => {
  it.prop(
    "a quantile is a value between the least and the greatest, and grows with its share",
    [Samples],
    ([samples]) => {
      const shares = [0, 0.25, 0.5, 0.75, 0.99, 1]
      const values = shares.map((share) => Numbers.quantile(samples, share))
      expect(values.toSorted((a, b) => a - b)).toEqual(values)
      expect(values[0]).toBe(Math.min(...samples))
      expect(values.at(-1)).toBe(Math.max(...samples))
    }
  )

  it.prop("half of the samples are not above the median, and half not below", [Samples], ([samples]) => {
    const median = Numbers.median(samples)
    expect(samples.filter((sample) => sample <= median).length * 2).toBeGreaterThanOrEqual(samples.length)
    expect(samples.filter((sample) => sample >= median).length * 2).toBeGreaterThanOrEqual(samples.length)
  })

  it.prop(
    "a machine that is slower for a round changes no ratio",
    [Samples, Sample, Sample],
    ([samples, first, second]) => {
      const slowed = (rate: number) => samples.map((slowness) => rate / slowness)
      expect(Numbers.ratio(slowed(first), slowed(second))).toBeCloseTo(first / second, 6)
    }
  )

  it.prop("equal samples have no spread", [Sample], ([sample]) => {
    expect(Numbers.spread([sample, sample, sample])).toBe(0)
    expect(Numbers.spread([sample, 3 * sample])).toBe(1)
  })

  const Contenders = Schema.UniqueArray(Schema.Int).check(Schema.isMinLength(1), Schema.isMaxLength(6))
  it.prop(
    "in as many rounds as there are contenders each comes first once, and all come in each",
    [Contenders],
    ([all]) => {
      const rounds = all.map((_, round) => Numbers.orderOf(all, round))
      expect(rounds.map(([first]) => first).toSorted()).toEqual([...all].toSorted())
      for (const round of rounds) expect([...round].toSorted()).toEqual([...all].toSorted())
    }
  )
})

const measure = (id: string, rows: Readonly<Record<string, ReadonlyArray<number>>>): Measure => ({
  id,
  title: id,
  unit: "requests/s",
  rows: Object.entries(rows).map(([contender, samples]) => ({ contender, samples }))
})

describe("the goals", () => {
  it("compare round with round, and are met at exactly what is wanted", () => {
    const views = measure("views", { [names.edge]: [100, 20, 90], [names.fastify]: [10, 4, 30] })
    expect(goals([views])).toEqual([
      { text: "page views against Fastify + pg", goal: "at least 5", found: "5.00", met: true }
    ])
  })

  it("judge nothing that was not measured", () => {
    expect(goals([])).toEqual([])
    expect(goals([measure("views", { [names.edge]: [1] }), measure("forms", { [names.edge]: [] })])).toEqual([])
  })

  it("take what the agent itself takes off the edge's time to a token", () => {
    const token = measure("token", { [names.edge]: [2, 2.5, 3], "the agent itself": [1, 1, 1] })
    expect(goals([token])).toMatchObject([{ found: "1.5 ms", met: false }])
  })
})

describe("the regression guard", () => {
  it("names a rate that fell by more than a tenth, and no other", () => {
    const views = measure("views", { here: [89, 89], main: [100, 100] })
    const forms = measure("forms", { here: [91, 91], main: [100, 100] })
    expect(regressions([views, forms])).toEqual(["views: 0.89 times the rate of main"])
  })

  it("does not take less memory for a loss", () => {
    expect(regressions([{ ...measure("memory", { here: [1], main: [100] }), unit: "MB" }])).toEqual([])
  })
})

describe("the table", () => {
  it.prop(
    "every line has as many cells as the head, whatever a text holds",
    [Schema.String, Schema.String],
    ([a, b]) => {
      const lines = Table.table(["one", "two"], [[a, b]]).split("\n")
      expect(lines).toHaveLength(3)
      for (const line of lines) expect(line.replaceAll("\\|", "").split("|")).toHaveLength(4)
    }
  )

  it.prop(
    "what stands outside of the marks stays",
    [Schema.String, Schema.String, Schema.String],
    ([before, text, after]) => {
      const document = `${before}<!-- results -->old<!-- /results -->${after}`
      const changed = Table.between(document, "results", text)
      if (before.includes("<!--")) return
      expect(changed?.startsWith(`${before}<!-- results -->\n${text.trim()}\n<!-- /results -->`)).toBe(true)
      expect(changed?.endsWith(after)).toBe(true)
    }
  )

  it("is put nowhere without both marks", () => {
    expect(Table.between("<!-- /results --> <!-- results -->", "results", "x")).toBeUndefined()
  })
})

describe("the picture", () => {
  it("draws each bar as long as its median, and the range over it", () => {
    const svg = Picture.draw([measure("views", { edge: [100, 200, 400], peer: [50] })])
    const widths = [...svg.matchAll(/<rect[^>]* width="([\d.]+)"/g)].map((match) => Number(match[1]))
    expect(widths[0]).toBeCloseTo(4 * (widths[1] ?? 0), 0)
    expect(svg.match(/<line /g)).toHaveLength(1)
  })

  it.prop("no text of a measure becomes markup", [Schema.String], ([text]) => {
    const plain = Picture.draw([measure("views", { edge: [1] })])
    const svg = Picture.draw([{ ...measure(text, { [text]: [1] }) }])
    expect(svg.match(/</g)?.length).toBe(plain.match(/</g)?.length)
    expect(svg).not.toMatch(/&(?!#\d+;)/)
  })

  it("is the same for the same measures", () => {
    const measures = [measure("views", { edge: [1, 2] })]
    expect(Picture.draw(measures)).toBe(Picture.draw(measures))
  })
})
