import { assert, describe, it } from "@effect/vitest"
import { maxClockSkewMillis, maxLagSeconds } from "../../../src/cli/doctor/DatabaseDiagnosis.ts"
import { Facts, findingsOf, Reached } from "../../support/DoctorFacts.ts"

describe("cli/doctor/DatabaseDiagnosis", () => {
  it.prop("a database that cannot be used is one problem, for which the reason is all there is", [Facts], ([facts]) => {
    const database = { _tag: "Unavailable", reason: "It is away." } as const
    const [finding] = findingsOf({ ...facts, database }, "database")
    assert.deepInclude(finding, { severity: "problem", finding: "It is away." })
    for (const check of ["encryption", "pooler", "rights", "durability", "clock", "background"] as const) {
      assert.isEmpty(findingsOf({ ...facts, database }, check))
    }
  })

  it.prop(
    "the database is well if and only if there is nothing to do about it",
    [Facts, Reached],
    ([facts, database]) => {
      const todo = (["encryption", "pooler", "rights", "durability", "clock", "background"] as const).flatMap((check) =>
        findingsOf({ ...facts, database }, check)
      )
      assert.deepStrictEqual(
        findingsOf({ ...facts, database }, "database").map(({ severity }) => severity),
        todo.length === 0 ? ["ok"] : []
      )
    }
  )

  it.prop("a database that does not commit to the disk is a problem", [Facts, Reached], ([facts, database]) => {
    const [finding] = findingsOf({ ...facts, database }, "durability")
    assert.strictEqual(finding?.severity, database.off.length === 0 ? undefined : "problem")
    for (const name of database.off) assert.include(finding?.advice, `${name} = on`)
  })

  it.prop("warns of a network connection to the database without TLS", [Facts, Reached], ([facts, database]) => {
    const [finding] = findingsOf({ ...facts, database }, "encryption")
    const isUnencrypted = facts.transport === "plain" || (facts.transport === "preferred" && !database.isEncrypted)
    assert.strictEqual(finding?.severity, isUnencrypted ? "warning" : undefined)
    if (isUnencrypted) assert.include(finding?.advice, "sslmode=require")
  })

  it.prop(
    "privileges that the endpoints lack are a problem, and privileges that only the maintenance lacks are a warning",
    [Facts, Reached],
    ([facts, database]) => {
      const [finding, ...more] = findingsOf({ ...facts, database }, "rights")
      const { denied, deniedForMaintenance } = database
      assert.isEmpty(more)
      assert.strictEqual(
        finding?.severity,
        denied.length > 0 ? "problem" : deniedForMaintenance.length > 0 ? "warning" : undefined
      )
      for (const right of denied.length > 0 ? denied : deniedForMaintenance) assert.include(finding?.finding, right)
    }
  )

  it.prop(
    "warns of a clock skew that exceeds the maximum even if the measurement is wrong by half the round trip",
    [Facts, Reached],
    ([facts, database]) => {
      const [finding] = findingsOf({ ...facts, database }, "clock")
      const minSkew = Math.abs(database.clockAheadMillis) - database.roundTripMillis / 2
      assert.strictEqual(finding?.severity, minSkew > maxClockSkewMillis ? "warning" : undefined)
    }
  )

  it.prop("a pooler that does not keep prepared statements is a problem", [Facts, Reached], ([facts, database]) => {
    const [pooler] = findingsOf({ ...facts, database }, "pooler")
    assert.strictEqual(pooler?.severity, database.keepsStatements ? undefined : "problem")
    if (pooler !== undefined) assert.include(pooler.advice, "max_prepared_statements")
  })

  it.prop(
    "names what failed in the background, and what is set apart is a problem",
    [Facts, Reached],
    ([facts, database]) => {
      const { failedItems } = database
      const findings = findingsOf({ ...facts, database }, "background")
      const named = failedItems.slice(0, 5)
      assert.lengthOf(findings, named.length + (failedItems.length > 5 ? 1 : 0))
      for (const [index, { item, reason, retryAt }] of named.entries()) {
        assert.strictEqual(findings[index]?.severity, retryAt === null ? "problem" : "warning")
        assert.include(findings[index]?.finding, `${item}) failed`)
        assert.include(findings[index]?.finding, reason)
      }
    }
  )

  it.prop("a reports database that cannot be used is a problem, and one that lags is a warning", [Facts], ([facts]) => {
    const { reader } = facts
    const severities = findingsOf(facts, "reader").map(({ severity }) => severity)
    if (reader === null) return assert.isEmpty(severities)
    if (reader._tag === "Unavailable") return assert.deepStrictEqual(severities, ["problem"])
    const isLagging = reader.lagSeconds !== null && reader.lagSeconds > maxLagSeconds
    const expected = [...(reader.keepsStatements ? [] : ["problem"]), ...(isLagging ? ["warning"] : [])]
    assert.deepStrictEqual(severities, expected.length === 0 ? ["ok"] : expected)
  })
})
