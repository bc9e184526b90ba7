import { assert, describe, it } from "@effect/vitest"
import { maxClockSkewMillis } from "../../../src/core/doctor/DatabaseDiagnosis.ts"
import { Facts, findingsOf, Reached } from "../../support/DoctorFacts.ts"

describe("core/doctor/DatabaseDiagnosis", () => {
  it.prop("a database that does not commit to the disk is a problem", [Facts, Reached], ([facts, database]) => {
    const { fsync, fullPageWrites, synchronousCommit } = database
    const isSafe = fsync && fullPageWrites && synchronousCommit !== "off"
    const [finding] = findingsOf({ ...facts, database }, "durability")
    assert.strictEqual(finding?.severity, isSafe ? "ok" : "problem")
    if (!fsync) assert.include(finding?.advice ?? "", "fsync = on")
  })

  it.prop("a read-only database is a problem", [Facts, Reached], ([facts, database]) => {
    const [finding] = findingsOf({ ...facts, database }, "database")
    assert.strictEqual(finding?.severity, database.isReadOnly ? "problem" : "ok")
    if (database.isReadOnly) assert.include(finding?.advice ?? "", "DATABASE_URL")
  })

  it.prop("warns of a network connection to the database without TLS", [Facts, Reached], ([facts, database]) => {
    const [finding] = findingsOf({ ...facts, database }, "encryption")
    const isUnencrypted = facts.transport === "plain" || (facts.transport === "preferred" && !database.isEncrypted)
    assert.strictEqual(finding?.severity, isUnencrypted ? "warning" : "ok")
    if (isUnencrypted) assert.include(finding?.advice ?? "", "sslmode=require")
  })

  it.prop(
    "privileges that the endpoints lack are a problem, and privileges that only the maintenance lacks are a warning",
    [Facts, Reached],
    ([facts, database]) => {
      const [finding] = findingsOf({ ...facts, database }, "rights")
      if (database.pending.length > 0 || database.isReadOnly) return assert.isUndefined(finding)
      const { denied, deniedForMaintenance } = database
      assert.strictEqual(
        finding?.severity,
        denied.length > 0 ? "problem" : deniedForMaintenance.length > 0 ? "warning" : "ok"
      )
      for (const right of denied.length > 0 ? denied : deniedForMaintenance) assert.include(finding?.finding, right)
    }
  )

  it.prop("warns of an encoding that cannot store every character", [Facts, Reached], ([facts, database]) => {
    const severities = findingsOf({ ...facts, database }, "encoding").map(({ severity }) => severity)
    assert.deepStrictEqual(severities, database.storesUnicode ? [] : ["warning"])
  })

  it.prop(
    "warns of a clock skew that exceeds the maximum even if the measurement is wrong by half the round trip",
    [Facts, Reached],
    ([facts, database]) => {
      const [finding] = findingsOf({ ...facts, database }, "clock")
      const minSkew = Math.abs(database.clockAheadMillis) - database.roundTripMillis / 2
      assert.strictEqual(finding?.severity, minSkew > maxClockSkewMillis ? "warning" : "ok")
    }
  )

  it.prop("checks partitions only after the migrations", [Facts, Reached], ([facts, database]) => {
    const findings = findingsOf({ ...facts, database }, "partitions")
    assert.strictEqual(findings.length, database.pending.length > 0 ? 0 : 1)
    assert.strictEqual(
      findingsOf({ ...facts, database }, "migrations")[0]?.severity,
      database.pending.length > 0 ? "problem" : "ok"
    )
    if (database.missingPartitions.length > 0 && findings[0]) {
      for (const name of database.missingPartitions) assert.include(findings[0].finding, name)
    }
  })

  it.prop("a pooler that does not keep prepared statements is a problem", [Facts, Reached], ([facts, database]) => {
    const [pooler] = findingsOf({ ...facts, database }, "pooler")
    assert.strictEqual(pooler?.severity, database.keepsStatements ? undefined : "problem")
    if (pooler !== undefined) assert.include(pooler.advice, "max_prepared_statements")
  })

  it.prop("warns of websites whose rollups lag", [Facts, Reached], ([facts, database]) => {
    const lagging = database.laggingRollups
    assert.deepStrictEqual(
      findingsOf({ ...facts, database }, "rollups").map(({ severity }) => severity),
      lagging === null ? [] : [lagging === 0 ? "ok" : "warning"]
    )
  })

  it.prop(
    "names what failed in the background, and what is set apart is a problem",
    [Facts, Reached],
    ([facts, database]) => {
      const findings = findingsOf({ ...facts, database }, "background")
      if (database.pending.length > 0) return assert.deepStrictEqual(findings, [])
      const { failedItems } = database
      if (failedItems.length === 0)
        return assert.deepStrictEqual(
          findings.map(({ severity }) => severity),
          ["ok"]
        )
      const named = failedItems.slice(0, 5)
      assert.lengthOf(findings, named.length + (failedItems.length > 5 ? 1 : 0))
      for (const [index, { item, reason, retryAt }] of named.entries()) {
        assert.strictEqual(findings[index]?.severity, retryAt === null ? "problem" : "warning")
        assert.include(findings[index]?.finding ?? "", `${item} failed`)
        assert.include(findings[index]?.finding ?? "", reason)
      }
    }
  )
})
