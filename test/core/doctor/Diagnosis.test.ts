import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Certificate from "../../../src/core/doctor/Certificate.ts"
import { maxClockSkewMillis } from "../../../src/core/doctor/DatabaseDiagnosis.ts"
import * as Diagnosis from "../../../src/core/doctor/Diagnosis.ts"
import type { Finding } from "../../../src/core/doctor/Finding.ts"
import { maxLagSeconds } from "../../../src/core/doctor/ReaderDiagnosis.ts"
import { redisFaults } from "../../../src/core/doctor/RedisDiagnosis.ts"
import * as ConnectionTable from "../../../src/core/limits/ConnectionTable.ts"

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

const Reached = Schema.TaggedStruct("Reached", {
  pending: Schema.Array(between(1, 9)).check(Schema.isMaxLength(2)),
  clockAheadMillis: between(-20_000, 20_000),
  roundTripMillis: between(0, 4_000),
  isReadOnly: Schema.Boolean,
  denied: Schema.Array(Schema.Literals(["UPDATE on site", "INSERT on page_view"])),
  deniedForMaintenance: Schema.Array(Schema.Literals(["DELETE on visitor_salt"])),
  storesUnicode: Schema.Boolean,
  fsync: Schema.Boolean,
  fullPageWrites: Schema.Boolean,
  synchronousCommit: Schema.Literals(["on", "off", "local", "remote_apply"]),
  isEncrypted: Schema.Boolean,
  missingPartitions: Schema.Array(Schema.Literals(["page_view_2026_11", "bot_view_2026_12"])),
  laggingRollups: Schema.NullOr(Schema.Literals([0, 1, 3]))
})

const Facts = Schema.Struct({
  database: Schema.Union([Reached, Schema.TaggedStruct("Unavailable", { reason: Schema.Literal("It is away.") })]),
  transport: Schema.Literals(["local", "plain", "tls", "preferred"]),
  reader: Schema.Union([
    Schema.TaggedStruct("NotConfigured", {}),
    Schema.TaggedStruct("Unavailable", { reason: Schema.Literal("It is away.") }),
    Schema.TaggedStruct("Reached", {
      pending: Schema.Array(between(1, 9)).check(Schema.isMaxLength(2)),
      lagSeconds: Schema.NullOr(between(0, 200))
    })
  ]),
  analytics: Schema.NullOr(
    Schema.Union([
      Schema.TaggedStruct("Unavailable", {
        code: Schema.Literals(["AUTHENTICATION_FAILED", "ECONNREFUSED", "timeout"])
      }),
      Schema.TaggedStruct("Reached", {
        url: Schema.Literals(["http://localhost:8123", "http://clickhouse:8123", "https://clickhouse:8443"]),
        version: Schema.Literals(["23.12.1.5", "24.7.9.9", "24.8.1.1", "24.10.1.1", "26.7.2.1"]),
        roundTripMillis: between(0, 1000),
        cluster: Schema.NullOr(Schema.Literal("main")),
        missing: Schema.Array(Schema.Literals(["event", "page_view"])),
        denied: Schema.Array(Schema.Literals(["event", "page_view"]))
      })
    ])
  ),
  connections: Schema.Struct({
    descriptors: between(1, 20_000),
    databaseConnections: between(1, 1_000),
    perAddress: Schema.NullOr(between(1, 10_000))
  }),
  redis: Schema.Union([
    Schema.TaggedStruct("NotConfigured", {}),
    Schema.TaggedStruct("Unavailable", {
      reason: Schema.String,
      fault: Schema.optional(Schema.Literals(redisFaults))
    }),
    Schema.TaggedStruct("Counted", {
      topology: Schema.Union([
        Schema.TaggedStruct("Server", {}),
        Schema.TaggedStruct("Cluster", { masters: between(1, 20) }),
        Schema.TaggedStruct("Sentinel", { master: Schema.Literal("edge") })
      ]),
      roundTripMillis: between(0, 1000)
    })
  ]),
  limiter: Schema.NullOr(Schema.Struct({ away: between(0, 3), fallbacks: between(0, 10) })),
  proxies: Schema.Array(
    Schema.Struct({
      peer: Schema.String,
      forwardedFor: Schema.String,
      client: Schema.String,
      isTrusted: Schema.Boolean
    })
  ),
  forwarded: Schema.NullOr(Schema.Struct({ untrusted: between(0, 1_000_000) })),
  mail: Schema.NullOr(
    Schema.Union([
      Schema.TaggedStruct("Ready", { isEncrypted: Schema.Boolean, isLocal: Schema.Boolean }),
      Schema.TaggedStruct("Failed", { error: Schema.String }),
      Schema.TaggedStruct("WithoutTls", {})
    ])
  ),
  agents: Schema.NullOr(
    Schema.Array(
      Schema.Struct({
        instanceId: Schema.String,
        name: Schema.String,
        outcome: Schema.Union([
          Schema.TaggedStruct("Answered", { text: Schema.String, firstWordMillis: Schema.NullOr(Schema.Int) }),
          Schema.TaggedStruct("Refused", { status: Schema.Literals([307, 400, 401, 403, 404, 405, 429, 500, 503]) }),
          Schema.TaggedStruct("Failed", { reason: Schema.String }),
          Schema.TaggedStruct("Unavailable", {
            reason: Schema.Union([Schema.String, Schema.Literal("CERT_HAS_EXPIRED")])
          }),
          Schema.TaggedStruct("Silent", { reason: Schema.String }),
          Schema.TaggedStruct("NoKey", { variable: Schema.String }),
          Schema.TaggedStruct("LockedKey", {}),
          Schema.TaggedStruct("TokensUsed", {})
        ])
      })
    )
  )
})

const of = (facts: typeof Facts.Type, check: Finding["check"]) =>
  Diagnosis.diagnose(facts).filter((finding) => finding.check === check)

describe("core/doctor/Diagnosis", () => {
  it.prop("a finding has advice if and only if it is a warning or a problem", [Facts], ([facts]) => {
    for (const { advice, finding, severity } of Diagnosis.diagnose(facts)) {
      assert.strictEqual(advice === null, severity === "ok")
      assert.match(finding, /\.$/s)
      if (advice !== null) assert.match(advice, /\.$/)
    }
  })

  it.prop("a database that does not commit to the disk is a problem", [Facts, Reached], ([facts, database]) => {
    const { fsync, fullPageWrites, synchronousCommit } = database
    const safe = fsync && fullPageWrites && synchronousCommit !== "off"
    const [finding] = of({ ...facts, database }, "durability")
    assert.strictEqual(finding?.severity, safe ? "ok" : "problem")
    if (!fsync) assert.include(finding?.advice ?? "", "fsync = on")
  })

  it.prop(
    "a mail server is a problem if it fails, and deserves a warning if mails cross a network unencrypted",
    [Facts],
    ([facts]) => {
      const { mail } = facts
      const [finding] = of(facts, "mail")
      if (mail === null) return assert.isUndefined(finding)
      const isOpen = mail._tag === "Ready" && !mail.isEncrypted && !mail.isLocal
      assert.strictEqual(finding?.severity, mail._tag !== "Ready" ? "problem" : isOpen ? "warning" : "ok")
    }
  )

  it.prop("a read-only database is a problem", [Facts, Reached], ([facts, database]) => {
    const [finding] = of({ ...facts, database }, "database")
    assert.strictEqual(finding?.severity, database.isReadOnly ? "problem" : "ok")
    if (database.isReadOnly) assert.include(finding?.advice ?? "", "DATABASE_URL")
  })

  it.prop("a reader that cannot be used is a problem, and one that lags a warning", [Facts], ([facts]) => {
    const { reader } = facts
    const [finding] = of(facts, "reader")
    const isBad = reader._tag === "Unavailable" || (reader._tag === "Reached" && reader.pending.length > 0)
    const isLate = reader._tag === "Reached" && reader.lagSeconds !== null && reader.lagSeconds > maxLagSeconds
    const expected = reader._tag === "NotConfigured" ? undefined : isBad ? "problem" : isLate ? "warning" : "ok"
    assert.strictEqual(finding?.severity, expected)
    if (isBad) assert.include(finding?.advice, "DATABASE_READ_URL")
  })

  it.prop("warns of a network connection to the database without TLS", [Facts, Reached], ([facts, database]) => {
    const [finding] = of({ ...facts, database }, "encryption")
    const isOpen = facts.transport === "plain" || (facts.transport === "preferred" && !database.isEncrypted)
    assert.strictEqual(finding?.severity, isOpen ? "warning" : "ok")
    if (isOpen) assert.include(finding?.advice ?? "", "sslmode=require")
  })

  it.prop(
    "missing privileges of the endpoints are a problem, and those of the maintenance a warning",
    [Facts, Reached],
    ([facts, database]) => {
      const [finding] = of({ ...facts, database }, "rights")
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
    const found = of({ ...facts, database }, "encoding").map(({ severity }) => severity)
    assert.deepStrictEqual(found, database.storesUnicode ? [] : ["warning"])
  })

  it.prop("compares the clocks within the uncertainty of the round trip", [Facts, Reached], ([facts, database]) => {
    const [finding] = of({ ...facts, database }, "clock")
    const least = Math.abs(database.clockAheadMillis) - database.roundTripMillis / 2
    assert.strictEqual(finding?.severity, least > maxClockSkewMillis ? "warning" : "ok")
  })

  it.prop(
    "a ClickHouse that cannot be used, is too old, or lacks tables or rights is a problem, and a network without TLS a warning",
    [Facts],
    ([facts]) => {
      const { analytics } = facts
      const severities = of(facts, "analytics").map(({ severity }) => severity)
      if (analytics === null) return assert.deepStrictEqual(severities, [])
      if (analytics._tag === "Unavailable") return assert.deepStrictEqual(severities, ["problem"])
      assert.strictEqual(severities[0], /^2(3|4\.7)\./.test(analytics.version) ? "problem" : "ok")
      assert.strictEqual(severities.includes("warning"), analytics.url === "http://clickhouse:8123")
      const faults = [analytics.missing, analytics.denied].filter((tables) => tables.length > 0)
      assert.strictEqual(severities.slice(1).filter((severity) => severity === "problem").length, faults.length)
    }
  )

  it.prop("warns if a few addresses can exhaust the connections", [Facts], ([facts]) => {
    const { databaseConnections, descriptors, perAddress } = facts.connections
    const [finding] = of(facts, "connections")
    const total = ConnectionTable.totalOf(descriptors, databaseConnections)
    const isSafe = total >= 1_000 && perAddress !== null && 4 * perAddress <= total
    assert.strictEqual(finding?.severity, isSafe ? "ok" : "warning")
    const unlimited = { ...facts.connections, descriptors: Number.POSITIVE_INFINITY }
    assert.strictEqual(of({ ...facts, connections: unlimited }, "connections")[0]?.severity, "ok")
    const advised = /CONNECTIONS_PER_ADDRESS to ([0-9]+)/.exec(finding?.advice ?? "")?.[1]
    if (advised !== undefined) {
      const followed = { ...facts.connections, perAddress: Number(advised) }
      assert.strictEqual(of({ ...facts, connections: followed }, "connections")[0]?.severity, "ok")
    }
  })

  it.prop("checks partitions only after the migrations", [Facts, Reached], ([facts, database]) => {
    const findings = of({ ...facts, database }, "partitions")
    assert.strictEqual(findings.length, database.pending.length > 0 ? 0 : 1)
    assert.strictEqual(
      of({ ...facts, database }, "migrations")[0]?.severity,
      database.pending.length > 0 ? "problem" : "ok"
    )
    if (database.missingPartitions.length > 0 && findings[0]) {
      for (const name of database.missingPartitions) assert.include(findings[0].finding, name)
    }
  })

  it.prop("warns of websites whose rollups lag", [Facts, Reached], ([facts, database]) => {
    const lagging = database.laggingRollups
    assert.deepStrictEqual(
      of({ ...facts, database }, "rollups").map(({ severity }) => severity),
      lagging === null ? [] : [lagging === 0 ? "ok" : "warning"]
    )
  })

  it.prop(
    "every instance has a finding, and an agent that does not answer is a problem, even if it responds with 404",
    [Facts],
    ([facts]) => {
      const findings = of(facts, "agents")
      if (facts.agents === null) return assert.deepStrictEqual(findings, [])
      facts.agents.forEach(({ instanceId, outcome }, index) => {
        assert.strictEqual(
          findings[index]?.severity,
          ["Answered", "TokensUsed"].includes(outcome._tag) ? "ok" : "problem"
        )
        assert.include(findings[index]?.finding, instanceId)
        if (outcome._tag === "Unavailable" || outcome._tag === "Silent") {
          const isRefused = Certificate.faultOf(outcome.reason) !== undefined
          assert.strictEqual(findings[index]?.finding.includes("has a certificate that was refused"), isRefused)
          assert.strictEqual(findings[index]?.advice?.includes("Check that it runs"), !isRefused)
        }
      })
    }
  )

  it.prop("an installation without problems is healthy, and an unreachable Redis is a problem", [Facts], ([facts]) => {
    const findings = Diagnosis.diagnose(facts)
    assert.strictEqual(Diagnosis.isHealthy(findings), !findings.some(({ severity }) => severity === "problem"))
    const [redis] = of(facts, "redis")
    assert.strictEqual(redis?.severity, facts.redis._tag === "Unavailable" ? "problem" : "ok")
    if (facts.redis._tag === "Unavailable") {
      // Redis runs if it refuses something.
      assert.strictEqual(redis?.advice?.includes("Check that Redis runs"), facts.redis.fault === undefined)
    }
    const limiter = of(facts, "redis")[1]
    const { away, fallbacks } = facts.limiter ?? { away: 0, fallbacks: 0 }
    assert.strictEqual(limiter?.severity, away > 0 ? "problem" : fallbacks > 0 ? "warning" : undefined)
    for (const [index, { client, isTrusted }] of facts.proxies.entries()) {
      const finding = of(facts, "proxies")[index]
      assert.strictEqual(finding?.severity, isTrusted ? "ok" : "warning")
      assert.include(finding?.finding, client)
    }
    if (facts.proxies.length === 0) assert.strictEqual(of(facts, "proxies")[0]?.severity, "warning")
  })

  it.prop("the advice for an agent names the command that updates its instance", [Facts], ([facts]) => {
    const agents = facts.agents ?? []
    const findings = of({ ...facts, agents: agents.map((agent) => ({ ...agent, instanceId: "an-id" })) }, "agents")
    agents.forEach(({ outcome }, index) => {
      const advice = findings[index]?.advice ?? ""
      const advises = (flag: string) => assert.include(advice, `instance update --instance an-id ${flag} <`)
      if (outcome._tag === "Unavailable" || outcome._tag === "Silent") advises("--agent-url")
      else if (outcome._tag === "NoKey") advises("--agent-key-env")
      else if (outcome._tag === "Failed") advises("--agent-protocol")
      else if (outcome._tag === "Refused") {
        if ([401, 403].includes(outcome.status)) advises("--agent-key-env")
        else if ([307, 404, 405].includes(outcome.status)) advises("--agent-url")
        else if (outcome.status === 400) advises("--agent-protocol")
      }
    })
  })
})
