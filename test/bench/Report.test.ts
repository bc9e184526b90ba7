import { describe, expect, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Chart from "./harness/Chart.ts"
import { goals, type Measure, names, rateRow } from "./harness/Measure.ts"
import * as Statistics from "./harness/Statistics.ts"
import * as Table from "./harness/Table.ts"

const Sample = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1_000_000 }))
const Samples = Schema.Array(Sample).check(Schema.isMinLength(1), Schema.isMaxLength(20))

describe("Statistics", () => {
  it.prop(
    "a quantile lies between the least and the greatest sample, and grows with the fraction",
    [Samples],
    ([samples]) => {
      const fractions = [0, 0.25, 0.5, 0.75, 0.99, 1]
      const values = fractions.map((fraction) => Statistics.quantile(samples, fraction))
      expect(values.toSorted((a, b) => a - b)).toEqual(values)
      expect(values[0]).toBe(Math.min(...samples))
      expect(values.at(-1)).toBe(Math.max(...samples))
    }
  )

  it.prop(
    "at least half of the samples are not above the median, and at least half not below",
    [Samples],
    ([samples]) => {
      const median = Statistics.median(samples)
      expect(samples.filter((sample) => sample <= median).length * 2).toBeGreaterThanOrEqual(samples.length)
      expect(samples.filter((sample) => sample >= median).length * 2).toBeGreaterThanOrEqual(samples.length)
    }
  )

  it.prop(
    "a machine that is slower during one round does not change the ratios",
    [Samples, Sample, Sample],
    ([samples, first, second]) => {
      const slowed = (rate: number) => samples.map((slowness) => rate / slowness)
      expect(Statistics.ratio(slowed(first), slowed(second))).toBeCloseTo(first / second, 6)
    }
  )

  it.prop("the spread is the range divided by the median: 0 for equal samples", [Sample], ([sample]) => {
    expect(Statistics.spread([sample, sample, sample])).toBe(0)
    expect(Statistics.spread([sample, 3 * sample])).toBe(1)
  })

  const Contenders = Schema.UniqueArray(Schema.Int).check(Schema.isMinLength(1), Schema.isMaxLength(6))
  it.prop(
    "in as many rounds as there are contenders, each comes first once, and every round has all of them",
    [Contenders],
    ([all]) => {
      const rounds = all.map((_, round) => Statistics.orderOf(all, round))
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
  it("compare two contenders round by round, and are met at exactly the target", () => {
    const views = measure("views", { [names.edge]: [100, 20, 90], [names.fastify]: [10, 4, 30] })
    expect(goals([views])).toEqual([
      { text: "page views against Fastify + pg", goal: "at least 5", measured: "5.00", met: true }
    ])
  })

  it("omit what was not measured", () => {
    expect(goals([])).toEqual([])
    expect(goals([measure("views", { [names.edge]: [1] }), measure("forms", { [names.edge]: [] })])).toEqual([])
  })

  it("judge the processor time of service and PostgreSQL together", () => {
    const row = rateRow(names.edge, [{ requests: 1, perSecond: 1, own: 28, postgres: 11 }])
    const views: Measure = { ...measure("views", {}), rows: [row] }
    expect(goals([views])).toMatchObject([{ goal: "under 40 µs", measured: "39 µs", met: true }])
  })

  it("report a lower bound of a ratio as such, and as unclear if it is below the goal", () => {
    const dashboard = (alone: number): Measure => ({
      ...measure("dashboard", { [names.edge]: [100] }),
      rows: [
        { contender: names.edge, samples: [100] },
        { contender: "from page views alone", samples: [alone], isLowerBound: true }
      ]
    })
    const judged = (alone: number) => goals([dashboard(alone)]).filter(({ goal }) => goal === "at least 50")
    expect(judged(270_000)).toMatchObject([{ measured: "at least 2,700", met: true }])
    expect(judged(4_000)).toMatchObject([{ measured: "at least 40", met: "unclear" }])
    const [, , , row = ""] = Table.ofMeasure(dashboard(270_000)).split("\n")
    expect(row.split("|").map((cell) => cell.trim())).toEqual([
      "",
      "from page views alone",
      "≥ 270,000",
      "≥ 270,000",
      "≥ 270,000",
      "-",
      "≤ 0.00037",
      ""
    ])
    expect(Table.ofGoals(judged(4_000))).toContain("| unclear |")
  })

  it("give the range of a ratio of processor times", () => {
    const costs = (total: number) => ({ requests: 1, perSecond: 1, own: total, postgres: 0 })
    const reported: Measure = {
      ...measure("reported", {}),
      rows: [rateRow(names.rollups, [40, 40, 40].map(costs)), rateRow(names.dashboard, [40, 50, 80].map(costs))]
    }
    expect(goals([reported])).toMatchObject([{ goal: "at least 0.95", measured: "0.80 (0.50 to 1.00)", met: false }])
  })

  it("subtract the agent's own time from the edge's time to a token", () => {
    const token = measure("token", { [names.edge]: [2, 2.5, 3], "the agent itself": [1, 1, 1] })
    expect(goals([token])).toMatchObject([{ measured: "1.5 ms", met: false }])
  })
})

describe("the table", () => {
  it.prop("every line has as many cells as the header, for any text", [Schema.String, Schema.String], ([a, b]) => {
    const lines = Table.table(["one", "two"], [[a, b]]).split("\n")
    expect(lines).toHaveLength(3)
    for (const line of lines) expect(line.replaceAll("\\|", "").split("|")).toHaveLength(4)
  })

  it.prop(
    "replacing a section changes nothing outside it",
    [Schema.String, Schema.String, Schema.String],
    ([before, text, after]) => {
      const document = `${before}<!-- results -->old<!-- /results -->${after}`
      const changed = Table.replaceSection(document, "results", text)
      if (before.includes("<!--")) return
      expect(changed?.startsWith(`${before}<!-- results -->\n${text.trim()}\n<!-- /results -->`)).toBe(true)
      expect(changed?.endsWith(after)).toBe(true)
    }
  )

  it("shows the processor time of one unit beside its rate, and no such column for other measures", () => {
    const chat = rateRow("edge", [{ requests: 10, perSecond: 5, own: 800, postgres: 40 }], 200)
    const [head = "", , row = ""] = Table.ofMeasure({ ...measure("tokens", {}), rows: [chat] }).split("\n")
    const cells = (line: string) => line.split("|").map((cell) => cell.trim())
    expect(cells(head).slice(-3, -1)).toEqual(["own µs", "PostgreSQL µs"])
    expect(cells(row).slice(1, 3)).toEqual(["edge", "1,000"])
    expect(cells(row).slice(-3, -1)).toEqual(["4", "0.2"])
    expect(Table.ofMeasure(measure("memory", { edge: [1] }))).not.toContain("PostgreSQL")
  })

  it("a document without both markers in order has no section", () => {
    expect(Table.replaceSection("<!-- /results --> <!-- results -->", "results", "x")).toBeUndefined()
  })
})

describe("the chart", () => {
  it("draws each bar as long as its median, with the range on it", () => {
    const svg = Chart.draw([measure("views", { edge: [100, 200, 400], peer: [50] })])
    const widths = [...svg.matchAll(/<rect[^>]* width="([\d.]+)"/g)].map((match) => Number(match[1]))
    expect(widths[0]).toBeCloseTo(4 * (widths[1] ?? 0), 0)
    expect(svg.match(/<line /g)).toHaveLength(1)
  })

  it.prop("a text never becomes markup", [Schema.String], ([text]) => {
    const plain = Chart.draw([measure("views", { edge: [1] })])
    const svg = Chart.draw([{ ...measure(text, { [text]: [1] }) }])
    expect(svg.match(/</g)?.length).toBe(plain.match(/</g)?.length)
    expect(svg).not.toMatch(/&(?!#\d+;)/)
  })

  it("is the same for the same measures", () => {
    const measures = [measure("views", { edge: [1, 2] })]
    expect(Chart.draw(measures)).toBe(Chart.draw(measures))
  })
})
