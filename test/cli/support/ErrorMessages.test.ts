import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as ErrorMessages from "../../../src/cli/support/ErrorMessages.ts"
import * as ClickHouseErrors from "../../../src/platform/clickhouse/Errors.ts"
import { StorageUnavailable } from "../../../src/platform/Storage.ts"
import { NotReady } from "../../../src/server/Readiness.ts"

const sentence = /^[A-Z][^\n]*\.$/

describe("cli/support/ErrorMessages: an unavailable database", () => {
  const messageOf = (code: string | undefined) =>
    ErrorMessages.of(new NotReady({ reason: "database-unreachable", code }))

  it("a database that answers with an error is not reported as unreachable", () => {
    for (const [code, part] of [
      ["3D000", "no database of the name"],
      ["28000", "rejects the user in DATABASE_URL"],
      ["28P01", "check the user and the password"],
      ["42501", "needs the owner of the tables"],
      // Not `doctor`, which ends with this message too.
      ["42501", "--print-grants <user>"],
      ["53300", "no connection left"],
      ["57P03", "try again"],
      ["3F000", "names no schema"],
      ["42P01", "SQLSTATE 42P01"]
    ] as const) {
      assert.include(messageOf(code), part)
      assert.notMatch(messageOf(code), /cannot be reached|check that it runs/)
    }
  })

  it("a statement_timeout is not reported as a slow database", () => {
    const messageOf = (code: string | undefined) =>
      ErrorMessages.of(new StorageUnavailable({ reason: "timeout", code }))
    assert.include(messageOf("57014"), "statement_timeout")
    assert.include(messageOf(undefined), "did not answer in time")
  })

  it("an error of ClickHouse is named: by its code, by the system's, or by its message", () => {
    const messageOf = (error: Error) => ErrorMessages.of(ClickHouseErrors.unavailable(ClickHouseErrors.of(error)))
    const ofServer = messageOf(Object.assign(new Error("no such table"), { type: "UNKNOWN_TABLE" }))
    assert.include(ofServer, "(UNKNOWN_TABLE)")
    assert.notInclude(ofServer, "port")
    assert.include(messageOf(Object.assign(new Error("connect"), { code: "ECONNREFUSED" })), "(ECONNREFUSED)")
    assert.include(messageOf(new Error("414 URI Too Long\n<hr>nginx")), "(414 URI Too Long)")
  })

  it("reports missing privileges", () => {
    assert.include(ErrorMessages.of(new NotReady({ reason: "database-denied" })), "may not write")
  })

  it("an unreachable database is explained by its error code", () => {
    assert.include(messageOf("ENOTFOUND"), "The host in DATABASE_URL is not known")
    assert.include(messageOf("ENOENT"), "check that PostgreSQL runs")
    assert.include(messageOf("28000"), '"peer" allows only')
    assert.include(messageOf("ENOTDIR"), "name the folder")
    assert.include(messageOf("ECONNREFUSED"), "Nothing listens where DATABASE_URL points")
    assert.include(messageOf("EHOSTUNREACH"), "cannot be reached (EHOSTUNREACH)")
    assert.include(messageOf(undefined), "The database cannot be reached; check that it runs")
    assert.strictEqual(
      messageOf("CERT_HAS_EXPIRED"),
      "The database server's certificate was refused (CERT_HAS_EXPIRED): it has expired; renew the server's certificate, or correct this machine's clock."
    )
  })

  it.prop(
    "any code gives one sentence, which is the same for a check at the start and for a statement",
    [Schema.UndefinedOr(Schema.String.check(Schema.isPattern(/^[A-Z0-9_]{1,40}$/)))],
    ([code]) => {
      assert.match(messageOf(code), sentence)
      assert.strictEqual(messageOf(code), ErrorMessages.of(new StorageUnavailable({ reason: "unreachable", code })))
    }
  )
})

describe("cli/support/ErrorMessages: a listen failure", () => {
  const messageOf = (code: string | undefined, host = "203.0.113.5") =>
    ErrorMessages.cannotListen(
      { host, port: 8080, names: { host: "HOST", port: "PORT" } },
      code === undefined ? new Error("x") : Object.assign(new Error("x"), { code })
    )

  it("names only the setting to change", () => {
    for (const [code, part, isHost] of [
      ["EADDRINUSE", "another program uses this port", false],
      ["EACCES", "set PORT to one above 1023", false],
      ["EADDRNOTAVAIL", "this machine does not have that address", true],
      ["ENOTFOUND", "no address is known for that name", true],
      ["EAI_AGAIN", "no address is known for that name", true]
    ] as const) {
      assert.match(messageOf(code), sentence)
      assert.include(messageOf(code), `203.0.113.5:8080: ${code === "EACCES" ? "" : part}`)
      assert.include(messageOf(code), part)
      assert.strictEqual(messageOf(code).includes("HOST"), isHost)
      assert.strictEqual(messageOf(code).includes("PORT"), !isHost)
    }
  })

  it("includes unknown codes and escapes the host", () => {
    assert.strictEqual(messageOf("EINVAL", "fe80::1"), "Cannot listen on [fe80::1]:8080 (EINVAL); check HOST and PORT.")
    assert.strictEqual(messageOf(undefined), "Cannot listen on 203.0.113.5:8080; check HOST and PORT.")
    assert.notInclude(messageOf("ENOTFOUND", "\u001b[2J\n"), "\u001b")
  })
})
