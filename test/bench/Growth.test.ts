import { readFileSync } from "node:fs"
import path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Option, Schema } from "effect"
import * as Capacity from "./harness/Capacity.ts"
import * as Growth from "./harness/Growth.ts"
import { bytesTable, oneProcess } from "./harness/GrowthTables.ts"
import * as GrowthUnits from "./harness/GrowthUnits.ts"
import * as Latency from "./harness/Latency.ts"
import { names } from "./harness/Measure.ts"
import * as Rates from "./harness/Rates.ts"
import * as Table from "./harness/Table.ts"
import * as Workers from "./harness/Workers.ts"

const textOf = (file: string) => readFileSync(path.resolve(import.meta.dirname, "../..", file), "utf8")

const units = GrowthUnits.unitsOf(textOf("test/bench/README.md"))
const guide = textOf("src/docs/growth.md")
const plans = Growth.rates.map((rate) => Growth.planOf(units, rate))

describe("the growth guide", () => {
  for (const [name, table] of [
    ["unit costs", Growth.unitsTable(units)],
    ["plans", Growth.plansTable(plans)],
    ["ceilings", Growth.ceilingsTable(units)]
  ] as const) {
    it(`shows the table of ${name} that is computed from the bench's figures`, () => {
      assert.isTrue(guide.includes(table), `Put this table into src/docs/growth.md:\n${table}`)
    })
  }
})

describe("figures of the bench's tables", () => {
  const document = "| Rate, rows/s | least | median |\n| --- | --: | --: |\n| one | 1 | 1,234 |\n\n| one | 2 | 3 |\n"

  it("are found by table, row and column", () => {
    assert.deepStrictEqual(GrowthUnits.figureOf(document, "Rate, rows/s", "one"), Option.some(1234))
    assert.deepStrictEqual(GrowthUnits.figureOf(document, "Rate, rows/s", "one", "least"), Option.some(1))
  })

  it("are absent if the table, the row or the column does not exist", () => {
    assert.isTrue(Option.isNone(GrowthUnits.figureOf(document, "Rate", "one")))
    assert.isTrue(Option.isNone(GrowthUnits.figureOf(document, "Rate, rows/s", "two")))
    assert.isTrue(Option.isNone(GrowthUnits.figureOf(document, "Rate, rows/s", "one", "most")))
  })
})

describe("the tables that the bench prints", () => {
  it("have each figure that the guide reads", () => {
    const cost = (perSecond: number, own: number) => ({ requests: 1, perSecond, own, postgres: 1 })
    const views = { views: cost(101, 2), forms: cost(102, 2), invalid: cost(103, 2), memory: 104 }
    const measures = [
      ...Rates.measuresOf([names.edge], [{ contender: names.edge, ...views }], { withInvalid: true }),
      ...Latency.measuresOf(
        [names.edge],
        [
          { contender: names.edge, at: "own", median: 105, p99: 106 },
          { contender: names.edge, at: "peer", median: 107, p99: 108 }
        ]
      ),
      Workers.measureOf(new Map([[oneProcess, [cost(109, 110)]]])),
      ...Capacity.measuresOf({
        batches: new Map([1, 2, 4].map((writers) => [writers, [cost(writers, 111)]])),
        sizes: [112],
        redis: [cost(113, 114)]
      })
    ]
    const printed = [...measures.map(Table.ofMeasure), bytesTable({ request: 115, answer: 116, log: 117 })].join("\n\n")
    const { clickhouseBatch, clickhouseBytes, clickhouseInserts, databaseQueue, processConnections, ...read } =
      GrowthUnits.unitsOf(printed)
    assert.deepStrictEqual(Object.fromEntries(Object.entries(read).map(([name, { value }]) => [name, value])), {
      processRate: 101,
      edgeMicros: 110,
      postgresRate: 200,
      postgresBytes: 112,
      walBytes: 117,
      redisRate: 113,
      requestBytes: 115,
      responseBytes: 116,
      ackSeconds: 0.105
    })
  })
})

describe("a plan", () => {
  const Rate = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 5_000_000 }))

  it.prop("loads no part beyond its limit", [Rate], ([rate]) => {
    const { cores, plannedLoad } = Growth.assumptions
    const plan = Growth.planOf(units, rate)
    assert.isAtMost(rate / plan.processes, units.processRate.value * plannedLoad)
    assert.isAtMost(rate / plan.redisMasters, units.redisRate.value * plannedLoad)
    assert.isAtMost(plan.busyCores, plan.machines * cores * plannedLoad)
    assert.isAtMost(plan.waiting, units.databaseQueue.value)
    if (plan.store === "postgres") assert.isAtMost(rate, units.postgresRate.value * plannedLoad)
    else {
      assert.isAtMost(plan.inserts, units.clickhouseInserts.value + 1e-9)
      assert.isAtMost(rate / plan.cells / units.clickhouseBatch.value, units.clickhouseInserts.value)
    }
  })

  it.prop("takes no fewer processes, machines, masters and cells for a higher rate", [Rate, Rate], ([one, other]) => {
    const low = Growth.planOf(units, Math.min(one, other))
    const high = Growth.planOf(units, Math.max(one, other))
    for (const part of ["processes", "machines", "redisMasters", "cells"] as const) {
      assert.isAtMost(low[part], high[part])
    }
  })
})
