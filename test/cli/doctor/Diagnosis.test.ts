import { assert, describe, it } from "@effect/vitest"
import { IpNetwork } from "effect/net"
import * as Diagnosis from "../../../src/cli/doctor/Diagnosis.ts"
import { maxClockSkewMillis, maxLagSeconds } from "../../../src/cli/doctor/Diagnosis.ts"
import * as Certificate from "../../../src/platform/outward/Certificate.ts"
import { Facts, findingsOf, installation, Reached } from "../../support/DoctorFacts.ts"

describe("cli/doctor/Diagnosis", () => {
  it.prop("a finding has advice if and only if it is a warning or a problem", [Facts], ([facts]) => {
    for (const { advice, finding, severity } of Diagnosis.diagnose(facts)) {
      assert.strictEqual(advice === null, severity === "ok")
      assert.match(finding, /\.$/s)
      if (advice !== null) assert.match(advice, /\.$/)
    }
  })

  it.prop(
    "a mail server that fails is a problem, and mails that cross a network unencrypted are a warning",
    [Facts],
    ([facts]) => {
      const { mail } = facts
      const [finding] = findingsOf(facts, "mail")
      if (mail === null) return assert.isUndefined(finding)
      const isUnencrypted = mail._tag === "Ready" && !mail.isEncrypted && !mail.isLocal
      assert.strictEqual(finding?.severity, mail._tag !== "Ready" ? "problem" : isUnencrypted ? "warning" : "ok")
    }
  )

  it.prop("webhooks whose secrets SECRETS_KEY does not decrypt are a problem", [Facts], ([facts]) => {
    const { webhooks } = facts
    const [finding] = findingsOf(facts, "webhooks")
    if (webhooks === null || webhooks.total === 0) return assert.isUndefined(finding)
    assert.strictEqual(finding?.severity, webhooks.locked === 0 ? "ok" : "problem")
  })

  it.prop(
    "a ClickHouse that cannot be used, is too old, or lacks rights is a problem, and a network without TLS is a warning",
    [Facts],
    ([facts]) => {
      const { analytics } = facts
      const severities = findingsOf(facts, "analytics").map(({ severity }) => severity)
      if (analytics === null) return assert.deepStrictEqual(severities, [])
      if (analytics._tag === "Unavailable") return assert.deepStrictEqual(severities, ["problem"])
      const expected = [
        ...(/^2(3|4\.7)\./.test(analytics.version) ? ["problem"] : []),
        ...(analytics.isPrivate ? [] : ["warning"]),
        ...(analytics.denied.length > 0 ? ["problem"] : [])
      ]
      assert.deepStrictEqual(severities, expected.length === 0 ? ["ok"] : expected)
    }
  )

  it.prop(
    "an unusable Redis is a problem; if its certificate was not refused, the advice is to check that it runs",
    [Facts],
    ([facts]) => {
      const [redis] = findingsOf(facts, "redis")
      if (facts.redis === null) return assert.isUndefined(redis)
      assert.strictEqual(redis?.severity, facts.redis._tag === "Alone" ? "problem" : "ok")
      if (facts.redis._tag === "Alone") {
        const { fault: expected } = facts.redis.error
        const isRefused = Certificate.faults.some((fault) => fault === expected)
        assert.strictEqual(redis?.advice?.includes("Check that Redis runs"), !isRefused)
      }
    }
  )

  it("warns of a proxy that is not trusted, and names the client for whom a request counts in either case", () => {
    const trustedProxies = ["10.0.0.0/8", "2001:db8::/32"].map(IpNetwork.fromStringUnsafe)
    for (const [peer, forwardedFor, client, isTrusted] of [
      ["10.0.0.4", "203.0.113.7", "203.0.113.7", true],
      ["10.0.0.4", "6.6.6.6, 198.51.100.9, 10.0.0.8", "198.51.100.9", true],
      ["2001:db8::1", "2001:db9:1:2:3::4", "2001:db9:1:2::/64", true],
      ["10.0.0.4", "garbage", "10.0.0.4", true],
      ["10.0.0.4", "203.0.113.7, …\n", "10.0.0.4", true],
      ["192.0.2.1", "203.0.113.7", "192.0.2.1", false]
    ] as const) {
      const [finding] = findingsOf({ ...installation, forwarded: { trustedProxies, peer, forwardedFor } }, "proxies")
      assert.strictEqual(finding?.severity, isTrusted ? "ok" : "warning")
      assert.include(finding?.finding, ` is attributed to ${client}${isTrusted ? "." : ","}`)
    }
  })

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
    "names the privileges that the endpoints lack in a problem, and those that only the maintenance lacks in a warning",
    [Facts, Reached],
    ([facts, database]) => {
      const findings = findingsOf({ ...facts, database }, "rights")
      for (const [severity, rights] of [
        ["problem", database.denied],
        ["warning", database.deniedForMaintenance]
      ] as const) {
        const [finding] = findings.filter((one) => one.severity === severity)
        assert.strictEqual(finding !== undefined, rights.length > 0)
        for (const right of rights) assert.include(finding?.finding, right)
      }
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
      assert.lengthOf(findings, failedItems.length)
      for (const [index, { item, reason, retryAt }] of failedItems.entries()) {
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
