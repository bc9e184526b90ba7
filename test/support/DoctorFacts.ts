/**
 * Arbitrary facts of an installation, for the tests of `hydracore doctor`.
 *
 * @module
 */
import { Schema } from "effect"
import type { Finding } from "../../src/cli/doctor/Diagnosis.ts"
import * as Diagnosis from "../../src/cli/doctor/Diagnosis.ts"
import * as Certificate from "../../src/platform/outward/Certificate.ts"

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

export const Reached = Schema.TaggedStruct("Reached", {
  clockAheadMillis: between(-20_000, 20_000),
  roundTripMillis: between(0, 4_000),
  denied: Schema.Array(Schema.Literals(["UPDATE on site", "INSERT on page_view"])),
  deniedForMaintenance: Schema.Array(Schema.Literals(["DELETE on visitor_salt"])),
  off: Schema.UniqueArray(Schema.Literals(["fsync", "full_page_writes", "synchronous_commit"])),
  isEncrypted: Schema.Boolean,
  keepsStatements: Schema.Boolean,
  failedItems: Schema.Array(
    Schema.Struct({
      kind: Schema.Literals(["rollup", "event", "mail"]),
      item: Schema.Literals(["6f1f4c1e-9b0b-4a4e-8d5f-0a6f5d2b7c11"]),
      failures: between(1, 10),
      reason: Schema.Literals(["The database refused the record (SQLSTATE 23514)"]),
      retryAt: Schema.NullOr(between(0, 4_000_000_000_000))
    })
  ).check(Schema.isMaxLength(8))
})

const Agent = Schema.Struct({
  instance_id: Schema.String,
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

export const Facts = Schema.Struct({
  database: Schema.Union([Reached, Schema.TaggedStruct("Unavailable", { reason: Schema.Literal("It is away.") })]),
  transport: Schema.Literals(["local", "plain", "tls", "preferred"]),
  reader: Schema.NullOr(
    Schema.Union([
      Schema.TaggedStruct("Unavailable", { reason: Schema.Literal("It is away.") }),
      Schema.TaggedStruct("Reached", {
        lagSeconds: Schema.NullOr(between(0, 200)),
        keepsStatements: Schema.Boolean
      })
    ])
  ),
  analytics: Schema.NullOr(
    Schema.Union([
      Schema.TaggedStruct("Unavailable", { reason: Schema.Literal("ClickHouse is away.") }),
      Schema.TaggedStruct("Reached", {
        version: Schema.Literals(["23.12.1.5", "24.7.9.9", "24.8.1.1", "24.10.1.1", "26.7.2.1"]),
        isPrivate: Schema.Boolean,
        denied: Schema.Array(Schema.Literals(["event", "system.parts"]))
      })
    ])
  ),
  redis: Schema.NullOr(
    Schema.Union([
      Schema.TaggedStruct("Shared", {}),
      Schema.TaggedStruct("Alone", {
        error: Schema.Struct({
          reason: Schema.String,
          fault: Schema.optional(Schema.Literals(["login", "replica", ...Certificate.faults]))
        })
      })
    ])
  ),
  forwarded: Schema.Null,
  webhooks: Schema.NullOr(Schema.Struct({ total: between(0, 3), locked: between(0, 3) })),
  mail: Schema.NullOr(
    Schema.Union([
      Schema.TaggedStruct("Ready", { isEncrypted: Schema.Boolean, isLocal: Schema.Boolean }),
      Schema.TaggedStruct("Failed", { error: Schema.String }),
      Schema.TaggedStruct("WithoutTls", {})
    ])
  ),
  agents: Schema.NullOr(
    Schema.Struct({
      asked: Schema.Array(Agent),
      others: between(0, 30)
    })
  )
})

/** An installation without anything but a database that is away. */
export const installation = {
  database: { _tag: "Unavailable", reason: "It is away." },
  transport: "local",
  reader: null,
  analytics: null,
  redis: null,
  forwarded: null,
  webhooks: null,
  mail: null,
  agents: null
} as const satisfies Diagnosis.InstallationFacts

/** The findings of one check. */
export const findingsOf = (facts: Diagnosis.InstallationFacts, check: Finding["check"]) =>
  Diagnosis.diagnose(facts).filter((finding) => finding.check === check)
