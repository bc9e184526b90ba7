import { assert, describe, it } from "@effect/vitest"
import * as Diagnosis from "../../../src/cli/doctor/Diagnosis.ts"
import * as ConnectionBounds from "../../../src/platform/limits/ConnectionBounds.ts"
import * as Certificate from "../../../src/platform/outward/Certificate.ts"
import { Facts, findingsOf } from "../../support/DoctorFacts.ts"

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
    "a ClickHouse that cannot be used, is too old, or lacks tables or rights is a problem, and a network without TLS is a warning",
    [Facts],
    ([facts]) => {
      const { analytics } = facts
      const severities = findingsOf(facts, "analytics").map(({ severity }) => severity)
      if (analytics === null) return assert.deepStrictEqual(severities, [])
      if (analytics._tag === "Unavailable") return assert.deepStrictEqual(severities, ["problem"])
      const problems = [/^2(3|4\.7)\./.test(analytics.version), !analytics.isMigrated, analytics.denied.length > 0]
      const count = problems.filter((isFound) => isFound).length
      assert.lengthOf(
        severities.filter((severity) => severity === "problem"),
        count
      )
      const isPlain = analytics.url === "http://clickhouse:8123"
      assert.strictEqual(severities.includes("warning"), isPlain)
      assert.strictEqual(severities[0] === "ok", count === 0 && !isPlain)
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
    "an unusable Redis is a problem; if its certificate was not refused, the advice is to check that it runs",
    [Facts],
    ([facts]) => {
      const [redis] = findingsOf(facts, "redis")
      if (facts.redis === null) return assert.isUndefined(redis)
      assert.strictEqual(redis?.severity, facts.redis._tag === "Unavailable" ? "problem" : "ok")
      if (facts.redis._tag === "Unavailable") {
        const { fault: expected } = facts.redis
        const isRefused = Certificate.faults.some((fault) => fault === expected)
        assert.strictEqual(redis?.advice?.includes("Check that Redis runs"), !isRefused)
      }
    }
  )

  it.prop("warns of a proxy that is not trusted, and names the client in either case", [Facts], ([facts]) => {
    const [finding] = findingsOf(facts, "proxies")
    if (facts.proxy === null) return assert.isUndefined(finding)
    assert.strictEqual(finding?.severity, facts.proxy.isTrusted ? "ok" : "warning")
    assert.include(finding?.finding, facts.proxy.client)
  })
})
