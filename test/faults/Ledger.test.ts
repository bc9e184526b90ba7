import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { type Entry, type Ledger, type Outcome, type Row, reconcile } from "../../scripts/torture/Ledger.ts"

const Outcomes = Schema.Array(Schema.Literals(["acknowledged", "refused", "unavailable", "cut", "unsent"]))

const entry = (outcome: Outcome): Entry => ({
  kind: "view",
  outcome,
  status: undefined,
  millis: 1,
  submissionId: undefined
})

const ledgerOf = (outcomes: ReadonlyArray<Outcome>): Ledger =>
  new Map(outcomes.map((outcome, index) => [`${index}`, entry(outcome)]))

/** The rows of a correct service: all acknowledged requests, and some of those with an unknown outcome. */
const correctRows = (outcomes: ReadonlyArray<Outcome>): ReadonlyArray<Row> =>
  outcomes.flatMap((outcome, index) =>
    outcome === "acknowledged" || ((outcome === "cut" || outcome === "unavailable") && index % 2 === 0)
      ? [{ mark: `${index}` }]
      : []
  )

describe("torture/Ledger", () => {
  it.prop("a correct service has no violations", { outcomes: Outcomes }, ({ outcomes }) => {
    const { doubled, lost, requests, rows, unexplained } = reconcile(ledgerOf(outcomes), correctRows(outcomes))
    assert.deepStrictEqual([lost, doubled, unexplained], [[], [], []])
    assert.strictEqual(requests, outcomes.length)
    assert.strictEqual(rows, correctRows(outcomes).length)
  })

  it.prop(
    "a missing row is lost, an extra row is doubled, a row that was never sent is unexplained",
    { outcomes: Outcomes },
    ({ outcomes }) => {
      const ledger = ledgerOf(["acknowledged", ...outcomes])
      const rows = correctRows(["acknowledged", ...outcomes])
      assert.deepStrictEqual(reconcile(ledger, rows.slice(1)).lost, ["0"])
      assert.deepStrictEqual(reconcile(ledger, [...rows, { mark: "0" }]).doubled, ["0"])
      assert.deepStrictEqual(reconcile(ledger, [...rows, { mark: "x" }]).unexplained, ["x"])
    }
  )

  it.prop(
    "a row of a request that was refused, or never sent, is unexplained",
    { outcomes: Outcomes },
    ({ outcomes }) => {
      const rows = outcomes.map((_, index) => ({ mark: `${index}` }))
      const wrong = outcomes.flatMap((outcome, index) =>
        outcome === "refused" || outcome === "unsent" ? [`${index}`] : []
      )
      assert.deepStrictEqual(reconcile(ledgerOf(outcomes), rows).unexplained, wrong)
    }
  )

  it("a form is stored only under the id that its response gave", () => {
    const ledger: Ledger = new Map([["a", { ...entry("acknowledged"), kind: "form", submissionId: "1" }]])
    assert.deepStrictEqual(reconcile(ledger, [{ mark: "a", submissionId: "1" }]).lost, [])
    assert.deepStrictEqual(reconcile(ledger, [{ mark: "a", submissionId: "2" }]).lost, ["a"])
  })
})
