import { assert, describe, it } from "@effect/vitest"
import * as Diagnosis from "../../../src/core/doctor/Diagnosis.ts"
import { maxLagSeconds } from "../../../src/core/doctor/ReaderDiagnosis.ts"
import * as ConnectionBounds from "../../../src/core/limits/ConnectionBounds.ts"
import { Facts, findingsOf } from "../../support/DoctorFacts.ts"

describe("core/doctor/Diagnosis", () => {
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

  it.prop("a reports database that cannot be used is a problem, and one that lags is a warning", [Facts], ([facts]) => {
    const { reader } = facts
    const [finding] = findingsOf(facts, "reader")
    const isUnusable =
      reader._tag === "Unavailable" ||
      (reader._tag === "Reached" && (reader.pending.length > 0 || !reader.keepsStatements))
    const isLagging = reader._tag === "Reached" && reader.lagSeconds !== null && reader.lagSeconds > maxLagSeconds
    const expected = reader._tag === "NotConfigured" ? undefined : isUnusable ? "problem" : isLagging ? "warning" : "ok"
    assert.strictEqual(finding?.severity, expected)
    if (isUnusable && !finding?.finding.includes("pooler")) assert.include(finding?.advice, "DATABASE_READ_URL")
  })

  it.prop(
    "a ClickHouse that cannot be used, is too old, or lacks tables or rights is a problem, and a network without TLS is a warning",
    [Facts],
    ([facts]) => {
      const { analytics } = facts
      const severities = findingsOf(facts, "analytics").map(({ severity }) => severity)
      if (analytics === null) return assert.deepStrictEqual(severities, [])
      if (analytics._tag === "Unavailable") return assert.deepStrictEqual(severities, ["problem"])
      assert.strictEqual(severities[0], /^2(3|4\.7)\./.test(analytics.version) ? "problem" : "ok")
      assert.strictEqual(severities.includes("warning"), analytics.url === "http://clickhouse:8123")
      const faults = [analytics.pending, analytics.denied, analytics.unreadable].filter((tables) => tables.length > 0)
      assert.strictEqual(severities.slice(1).filter((severity) => severity === "problem").length, faults.length)
    }
  )

  it.prop("warns if a few addresses can exhaust the connections", [Facts], ([facts]) => {
    const { databaseConnections, descriptors, perAddress } = facts.connections
    const [finding] = findingsOf(facts, "connections")
    const total = ConnectionBounds.totalOf(descriptors, databaseConnections)
    const isSafe = total >= 1_000 && perAddress !== null && 4 * perAddress <= total
    assert.strictEqual(finding?.severity, isSafe ? "ok" : "warning")
    const unlimited = { ...facts.connections, descriptors: Number.POSITIVE_INFINITY }
    assert.strictEqual(findingsOf({ ...facts, connections: unlimited }, "connections")[0]?.severity, "ok")
    assert.notMatch(finding?.advice ?? "", /unset|remove/i)
    const advised = /CONNECTIONS_PER_ADDRESS to ([0-9]+)/.exec(finding?.advice ?? "")?.[1]
    if (advised !== undefined) {
      const adjusted = { ...facts.connections, perAddress: Number(advised) }
      assert.strictEqual(findingsOf({ ...facts, connections: adjusted }, "connections")[0]?.severity, "ok")
    }
  })

  it.prop("an installation is healthy if and only if it has no problem", [Facts], ([facts]) => {
    const findings = Diagnosis.diagnose(facts)
    assert.strictEqual(Diagnosis.isHealthy(findings), !findings.some(({ severity }) => severity === "problem"))
  })

  it.prop(
    "an unusable Redis is a problem; if it did not respond, the advice is to check that it runs",
    [Facts],
    ([facts]) => {
      const [redis] = findingsOf(facts, "redis")
      assert.strictEqual(redis?.severity, facts.redis._tag === "Unavailable" ? "problem" : "ok")
      if (facts.redis._tag === "Unavailable") {
        assert.strictEqual(redis?.advice?.includes("Check that Redis runs"), facts.redis.fault === undefined)
      }
    }
  )

  it.prop(
    "rate limits that do not reach Redis are a problem, and earlier failures are a warning",
    [Facts],
    ([facts]) => {
      const [, limiter] = findingsOf(facts, "redis")
      const { away, fallbacks } = facts.limiter ?? { away: 0, fallbacks: 0 }
      assert.strictEqual(limiter?.severity, away > 0 ? "problem" : fallbacks > 0 ? "warning" : undefined)
    }
  )

  it.prop("warns of each proxy that is not trusted, and if no proxy is configured", [Facts], ([facts]) => {
    for (const [index, { client, isTrusted }] of facts.proxies.entries()) {
      const finding = findingsOf(facts, "proxies")[index]
      assert.strictEqual(finding?.severity, isTrusted ? "ok" : "warning")
      assert.include(finding?.finding, client)
    }
    if (facts.proxies.length === 0) assert.strictEqual(findingsOf(facts, "proxies")[0]?.severity, "warning")
  })
})
