import { assert, describe, it, layer } from "@effect/vitest"
import { Effect } from "effect"
import * as AttackedProcess from "../../scripts/torture/AttackedProcess.ts"
import { encode } from "../../scripts/torture/fuzz/Encoding.ts"
import { faults } from "../../scripts/torture/fuzz/Mutations.ts"
import { random as randomOf } from "../../scripts/torture/fuzz/Random.ts"
import { make } from "../../scripts/torture/fuzz/Requests.ts"
import { fuzz } from "../../scripts/torture/scenarios/Fuzzing.ts"
import * as TestDatabase from "../support/postgres/TestDatabase.ts"

/** Fixed, so that CI runs are reproducible; `npm run torture` uses a new seed each time and prints it. */
const seed = 20_261_124

layer(AttackedProcess.layer(TestDatabase.url), { excludeTestServices: true })("faults: hostile input", (it) => {
  it.effect(
    "of 1,000 valid and broken requests generated from the contract, none causes a 5xx, and accepted ones are stored as sent",
    () =>
      // Response times are measured on an idle machine; here each response must only arrive.
      Effect.map(fuzz({ requests: 1_000, seed, maxMillis: 15_000 }), (figures) => {
        assert.isAbove(figures["forms compared"], 100)
        assert.isAbove(figures["views found"], 100)
      })
  )
})

describe("faults: the generator of hostile input", () => {
  it("the same seed makes the same requests, and every mutation occurs", () => {
    const target = { trackingToken: "t", websiteConfigId: "w", instanceId: "i", widgetToken: "x" }
    const requests = () => {
      const random = randomOf(seed)
      return Array.from({ length: 1_000 }, (_, index) => make(random, target, `${index}`))
    }
    const [first, second] = [requests(), requests()]
    assert.deepStrictEqual(
      first.map((request) => encode(request).toString("base64")),
      second.map((request) => encode(request).toString("base64"))
    )
    const occurring = new Set(first.flatMap(({ fault }) => fault.split(", ")))
    assert.deepStrictEqual(
      faults.filter((fault) => !occurring.has(fault)),
      []
    )
    assert.isAbove(first.filter(({ fault }) => fault === "valid").length, 250)
  })
})
