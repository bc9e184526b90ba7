import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { fault, link, parameters } from "../../src/core/DatabaseUrl.ts"

const Name = Schema.String.check(Schema.isMaxLength(12))
const at = (query: string, host = "db.example") => new URL(`postgres://user:hunter2@${host}/edge${query}`)

describe("core/DatabaseUrl.fault", () => {
  it.prop("whatever the driver does not know is one, and no value of it is repeated", [Name], ([name]) => {
    const found = fault(at(`?${new URLSearchParams({ [name]: "hunter2" })}`))
    if (name === "sslmode") assert.include(found ?? "", "verify-full")
    else if (name === "port" || name === "connect_timeout") assert.include(found ?? "", `has a ${name} `)
    else if ((parameters as ReadonlyArray<string>).includes(name)) assert.isNull(found)
    else assert.notInclude(found ?? "hunter2", "hunter2")
  })

  it("an address without parameters, and one with those that are known, is well", () => {
    for (const query of [
      "",
      "?",
      "?sslmode=verify-full&application_name=edge&connect_timeout=3",
      "?host=/tmp&user=u"
    ]) {
      assert.isNull(fault(at(query)), query)
    }
  })

  it("other programs' words for TLS are answered with the driver's", () => {
    for (const [query, expected] of [
      ["?ssl=true", 'has the parameter "ssl", which the driver does not know; write sslmode=require in its place.'],
      ["?ssl", "write sslmode=require"],
      ["?ssl=0", "write sslmode=disable"],
      ["?sslmode=require&sslrootcert=/x.pem", "NODE_EXTRA_CA_CERTS"],
      ["?sslMode=require", 'has the parameter "sslMode", which the driver does not know; it knows application_name, '],
      ["?sslmode=true", "it knows disable, allow, prefer, require, verify-ca, verify-full."]
    ] as const) {
      assert.include(fault(at(query)), expected, query)
    }
  })

  it("the rest of a password that holds an unescaped ? and & is no name to repeat", () => {
    for (const secret of ["hunter2", "hunter"]) {
      const found = fault(new URL(`postgres://user:?${secret}&more@db/edge`))
      assert.include(found, "a parameter")
      assert.notMatch(found ?? "", /hunter|more/)
    }
  })
})

describe("core/DatabaseUrl.link", () => {
  it("within this machine it is local, whatever the mode", () => {
    for (const host of ["localhost", "127.0.0.1:5433", "127.8.0.1", "[::1]", "%2Frun%2Fpostgresql"]) {
      assert.strictEqual(link(at("", host)), "local", host)
    }
    assert.strictEqual(link(new URL("postgresql:///edge?host=%2Frun%2Fpostgresql&user=u")), "local")
    assert.strictEqual(link(new URL("postgresql:///edge")), "local")
  })

  it("over a network it is as the mode says, and plain without one; the last one counts, as it does for the driver", () => {
    for (const [query, expected] of [
      ["", "plain"],
      ["?sslmode=disable", "plain"],
      ["?sslmode=allow", "preferred"],
      ["?sslmode=prefer", "preferred"],
      ["?sslmode=require", "tls"],
      ["?sslmode=verify-ca", "tls"],
      ["?sslmode=verify-full", "tls"],
      ["?sslmode=require&sslmode=disable", "plain"]
    ] as const) {
      assert.strictEqual(link(at(query)), expected, query)
    }
    assert.strictEqual(link(at("?host=10.0.0.1", "localhost")), "plain")
    for (const host of ["127.example.org", "localhost.example", "10.127.0.0", "[::2]"]) {
      assert.strictEqual(link(at("", host)), "plain", host)
    }
  })
})
