import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import * as DatabaseUrl from "../../../src/platform/postgres/DatabaseUrl.ts"

const Host = Schema.Struct({
  host: Schema.Literals(["db", "a.internal", "10.0.0.7", "::1"]),
  port: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 65_535 }))
})
const Hosts = Schema.Array(Host).check(Schema.isMinLength(2), Schema.isMaxLength(5))
const State = Schema.Struct({ isStandby: Schema.Boolean, isReadOnly: Schema.Boolean })

const bracketed = (host: string): string => (host.includes(":") ? `[${host}]` : host)

const parsed = (text: string): URL => Result.getOrThrow(DatabaseUrl.parse(text))

describe("platform/postgres/DatabaseUrl", () => {
  it.prop("both ways to name several hosts give the same hosts", [Hosts, Schema.String], ([hosts, text]) => {
    const password = text.toWellFormed()
    const before = `postgres://u:${encodeURIComponent(password)}@`
    const list = hosts.map(({ host, port }) => `${bracketed(host)}:${port}`).join(",")
    const names = hosts.map(({ host }) => host).join(",")
    const ports = hosts.map(({ port }) => port).join(",")
    for (const url of [
      parsed(`${before}${list}/edge?sslmode=require`),
      parsed(`${before}/edge?host=${names}&port=${ports}`)
    ]) {
      assert.isNull(DatabaseUrl.fault(url))
      assert.deepStrictEqual(Result.getOrThrow(DatabaseUrl.hostsOf(url)), hosts)
      assert.strictEqual(DatabaseUrl.passwordOf(url), password)
      assert.isTrue(DatabaseUrl.isRouted(url))
      assert.strictEqual(DatabaseUrl.attributeOf(url), "read-write")
      for (const host of hosts) {
        const one = DatabaseUrl.urlOfHost(url, host)
        assert.deepStrictEqual(Result.getOrThrow(DatabaseUrl.hostsOf(one)), [host])
        assert.isFalse(DatabaseUrl.isRouted(one))
      }
    }
  })

  it("one host is used in any state, unless the URL names an attribute", () => {
    assert.isFalse(DatabaseUrl.isRouted(parsed("postgres://u@a:5433/edge")))
    assert.deepStrictEqual(Result.getOrThrow(DatabaseUrl.hostsOf(parsed("postgres://u@%2Frun%2Fpg/edge"))), [
      { host: "/run/pg", port: 5432 }
    ])
    const wanted = parsed("postgres://u@a/edge?target_session_attrs=standby")
    assert.isTrue(DatabaseUrl.isRouted(wanted))
    assert.strictEqual(DatabaseUrl.attributeOf(wanted), "standby")
  })

  it.each([
    [
      "postgres://u:sesame@a,b/edge?target_session_attrs=sesame",
      "has a target_session_attrs that the service does not support"
    ],
    ["postgres://u:sesame@a,b/edge?sslmode=prefer", "needs sslmode=require or sslmode=disable"],
    ["postgres://u:sesame@localhost/edge?host=a,b,c&port=1,2", "names 3 hosts and 2 ports"],
    ["postgres://u:sesame@a:0,b/edge", "has a port that is not a number from 1 to 65535"],
    [`postgres://u:sesame@${"a,".repeat(20)}b/edge`, "names more than 16 hosts"]
  ])("refuses %s", (text, expected) => {
    const fault = DatabaseUrl.fault(parsed(text)) ?? ""
    assert.include(fault, expected)
    assert.notInclude(fault, "sesame")
  })

  it.prop("a server is either read-write or read-only, and either primary or standby", [State], ([state]) => {
    const suits = (attribute: DatabaseUrl.Attribute) => DatabaseUrl.isSuitable(attribute, state)
    assert.isTrue(suits("any"))
    assert.strictEqual(suits("read-write"), !suits("read-only"))
    assert.strictEqual(suits("primary"), !suits("standby"))
    assert.strictEqual(suits("prefer-standby"), state.isStandby)
  })
})
