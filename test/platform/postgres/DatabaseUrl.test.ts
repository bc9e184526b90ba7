import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { fault, namesUser, parameters, parse, transportOf } from "../../../src/platform/postgres/DatabaseUrl.ts"

const Name = Schema.String.check(Schema.isMaxLength(12))
const urlWith = (query: string, host = "db.example") => new URL(`postgres://user:hunter2@${host}/edge${query}`)

const parsed = (text: string): string | undefined =>
  Result.getOrElse(
    Result.map(parse(text), (url) => url.href),
    () => undefined
  )

describe("platform/postgres/DatabaseUrl.parse", () => {
  it("parses psql's URLs of Unix sockets, wherever they name the user", () => {
    for (const [text, expected] of [
      ["postgresql://u@/edge?host=/run/pg", "postgresql://u@localhost/edge?host=/run/pg"],
      [
        "postgres://u:p@:5433/edge?sslmode=disable&host=%2Frun",
        "postgres://u:p@localhost:5433/edge?sslmode=disable&host=%2Frun"
      ],
      ["postgres://u@h/edge?host=/run/pg", "postgres://u@h/edge?host=/run/pg"],
      ["postgresql:///edge?host=/run/pg&user=u", "postgresql:///edge?host=/run/pg&user=u"]
    ]) {
      assert.strictEqual(parsed(text ?? ""), expected)
    }
  })

  it.prop("rejects other texts with advice that does not repeat them", [Schema.String], ([secret]) => {
    for (const text of [secret, `postgres://u:${secret}@h1:1,h2:2/edge`, `postgres://u:${secret}/w@h/edge`]) {
      const result = parse(text)
      if (Result.isSuccess(result)) continue
      assert.include(
        [
          "is not usable; it must be an address that begins with postgres:// or postgresql://.",
          "cannot be read; write characters such as @ : / ? # % in its password as %40 %3A %2F %3F %23 %25, and its hosts as host:port, separated by commas."
        ],
        result.failure
      )
    }
    assert.isUndefined(parsed("postgres://u:p/w@h/edge"))
  })

  it("says that the server is missing", () => {
    for (const text of [
      "postgres://u@/edge",
      "postgres://u:p@:5432/edge",
      "postgres://u@/edge?hots=/run",
      "postgres://u@"
    ]) {
      assert.include(parse(text).pipe(Result.flip, Result.getOrThrow), "names no server", text)
    }
    for (const text of ["postgres://u:@/w@h/edge", "postgres://u:p/w@h/edge"]) {
      assert.include(parse(text).pipe(Result.flip, Result.getOrThrow), "cannot be read", text)
    }
  })

  it.prop("decodes any percent-encoded password", [Schema.String], ([password]) => {
    const text = `postgres://u:${encodeURIComponent(password.toWellFormed())}@h/edge`
    const url = Result.getOrThrow(parse(text))
    assert.strictEqual(decodeURIComponent(url.password), password.toWellFormed())
    assert.isNull(fault(url))
    assert.isTrue(namesUser(url))
  })
})

describe("platform/postgres/DatabaseUrl.fault", () => {
  it("reports an invalid percent-encoding", () => {
    for (const text of ["postgres://u:50%@h/d", "postgres://u%zz@h/d", "postgres://u@h/%ff", "postgres://u:%E9@h/d"]) {
      assert.include(fault(new URL(text)), "percent", text)
    }
  })

  it.prop("reports every parameter that the driver does not support, and repeats no value", [Name], ([name]) => {
    const message = fault(urlWith(`?${new URLSearchParams({ [name]: "hunter2" })}`))
    if (name === "sslmode") assert.include(message ?? "", "verify-full")
    else if (name === "target_session_attrs") assert.include(message ?? "", "prefer-standby")
    else if (name === "port" || name === "connect_timeout") assert.include(message ?? "", `has a ${name} `)
    else if ((parameters as ReadonlyArray<string>).includes(name)) assert.isNull(message)
    else assert.notInclude(message ?? "hunter2", "hunter2")
  })

  it("accepts URLs without parameters, and with known ones", () => {
    for (const query of [
      "",
      "?",
      "?sslmode=verify-full&application_name=edge&connect_timeout=3",
      "?host=/tmp&user=u"
    ]) {
      assert.isNull(fault(urlWith(query)), query)
    }
  })

  it("names the driver's parameter for other programs' TLS parameters", () => {
    for (const [query, expected] of [
      ["?ssl=true", 'has the parameter "ssl", which the driver does not support; write sslmode=require instead.'],
      ["?ssl", "write sslmode=require"],
      ["?ssl=0", "write sslmode=disable"],
      ["?sslmode=require&sslrootcert=/x.pem", "NODE_EXTRA_CA_CERTS"],
      [
        "?sslMode=require",
        'has the parameter "sslMode", which the driver does not support; it supports application_name, '
      ],
      ["?sslmode=true", "it supports disable, allow, prefer, require, verify-ca, verify-full."]
    ] as const) {
      assert.include(fault(urlWith(query)), expected, query)
    }
  })

  it("does not repeat what follows an unescaped ? or & in a password", () => {
    for (const secret of ["hunter2", "hunter"]) {
      const message = fault(new URL(`postgres://user:?${secret}&more@db/edge`))
      assert.include(message, "a parameter")
      assert.notMatch(message ?? "", /hunter|more/)
    }
  })
})

describe("platform/postgres/DatabaseUrl.transportOf", () => {
  it("a database on this machine is local, whatever the sslmode", () => {
    for (const host of ["localhost", "127.0.0.1:5433", "127.8.0.1", "[::1]", "%2Frun%2Fpostgresql"]) {
      assert.strictEqual(transportOf(urlWith("", host)), "local", host)
    }
    assert.strictEqual(transportOf(new URL("postgresql:///edge?host=%2Frun%2Fpostgresql&user=u")), "local")
    assert.strictEqual(transportOf(new URL("postgresql:///edge")), "local")
  })

  it("over a network the last sslmode decides, as for the driver, and the default is plain", () => {
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
      assert.strictEqual(transportOf(urlWith(query)), expected, query)
    }
    assert.strictEqual(transportOf(urlWith("?host=10.0.0.1", "localhost")), "plain")
    for (const host of ["127.example.org", "localhost.example", "10.127.0.0", "[::2]"]) {
      assert.strictEqual(transportOf(urlWith("", host)), "plain", host)
    }
  })
})
