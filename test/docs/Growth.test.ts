import { readFileSync } from "node:fs"
import path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Growth from "../../scripts/bench/harness/Growth.ts"
import * as GrowthUnits from "../../scripts/bench/harness/GrowthUnits.ts"

const textOf = (file: string) => readFileSync(path.resolve(import.meta.dirname, "../..", file), "utf8")

describe("the growth guide", () => {
  const units = GrowthUnits.unitsOf(textOf("scripts/bench/README.md"))
  const guide = textOf("src/docs/growth.md")
  for (const [name, table] of [
    ["unit costs", Growth.unitsTable(units)],
    ["plans", Growth.plansTable(Growth.rates.map((rate) => Growth.planOf(units, rate)))],
    ["ceilings", Growth.ceilingsTable(units)]
  ] as const) {
    it(`shows the table of ${name} that is computed from the bench's figures`, () => {
      assert.isTrue(guide.includes(table), `Put this table into src/docs/growth.md:\n${table}`)
    })
  }
})
