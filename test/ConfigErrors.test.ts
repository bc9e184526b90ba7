/** Errors name the variable and the correction, and contain no secret. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Option } from "effect"
import { read } from "./support/ReadSettings.ts"

describe("Config: errors", () => {
  it.effect("names the invalid network and suggests a correction", () =>
    Effect.gen(function* () {
      for (const [value, message] of [
        [
          "192.0.2.0/24, 10.0.0.1/8",
          'TRUSTED_PROXIES holds "10.0.0.1/8", whose address has bits beyond /8; did you mean 10.0.0.0/8?'
        ],
        [
          "2001:db8::1/32",
          'TRUSTED_PROXIES holds "2001:db8::1/32", whose address has bits beyond /32; did you mean 2001:db8::/32?'
        ],
        ["10.0.0.0/8, proxy", 'TRUSTED_PROXIES holds "proxy", which is not a network; it must be a list such as'],
        ["10.0.0.0/64", 'TRUSTED_PROXIES holds "10.0.0.0/64", which is not a network; it must be a list such as']
      ] as const) {
        assert.include(String(yield* read({ TRUSTED_PROXIES: value })), message)
      }
    })
  )

  it.effect("GEO_HEADER needs trusted proxies, and must be the name of a header", () =>
    Effect.gen(function* () {
      assert.include(String(yield* read({ GEO_HEADER: "cf-ipcountry" })), "GEO_HEADER needs TRUSTED_PROXIES")
      const proxies = { TRUSTED_PROXIES: "10.0.0.0/8" }
      assert.include(
        String(yield* read({ ...proxies, GEO_HEADER: "no header" })),
        "GEO_HEADER is not the name of a header"
      )
      const settings = yield* read({ ...proxies, GEO_HEADER: "cf-ipcountry", GEO_DATABASE: "/a.mmdb" })
      assert.deepStrictEqual(
        Option.map(Exit.getSuccess(settings), ({ geoDatabase, geoHeader }) => [geoDatabase, geoHeader]),
        Option.some([Option.some("/a.mmdb"), Option.some("cf-ipcountry")])
      )
    })
  )

  for (const [name, value] of [
    ["PORT", "70000"],
    ["PORT", "eighty"],
    ["METRICS_PORT", "70000"],
    ["METRICS_PORT", "-1"],
    ["LOG_LEVEL", "loud"],
    ["RATE_LIMIT_FORMS", "5/fortnight"],
    ["RATE_LIMIT_FORMS", "0/minute"],
    ["AGENT_TIMEOUT", "soon"],
    ["MAX_BODY", "huge"],
    ["MAX_BODY", "9 PiB"],
    ["RETENTION_PAGE_VIEWS", "13"],
    ["RETENTION_PAGE_VIEWS", "0 months"],
    ["RETENTION_SUBMISSIONS", "10 minutes"],
    ["RETENTION_SUBMISSIONS", "on"],
    ["TRUSTED_PROXIES", "10.0.0.0/64"],
    ["DATABASE_URL", "mysql://user:hunter2@db/x"],
    ["DATABASE_URL", "postgres://user:hunter2@db/x?ssl=true"],
    ["DATABASE_URL", "postgres://user:hunter2@db/x?sslmode=yes"],
    ["REDIS_URL", "http://user:hunter2@db"],
    ["OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318"],
    ["OTEL_EXPORTER_OTLP_ENDPOINT", "http://user:hunter2@collector:4318"],
    ["OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318?key=hunter2"],
    ["OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318/?"],
    ["OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318/#"]
  ] as const) {
    it.effect(`${name}=${value} is an error that names the variable and no secret`, () =>
      Effect.gen(function* () {
        const exit = yield* read({ [name]: value })
        assert.isTrue(Exit.isFailure(exit))
        assert.include(String(exit), name)
        assert.notInclude(String(exit), "hunter2")
      })
    )
  }

  it.effect("DATABASE_URL must name a user, unless USER or USERNAME is set", () =>
    Effect.gen(function* () {
      assert.isTrue(Exit.isSuccess(yield* read({ DATABASE_URL: "postgres://db/x", USER: "u" })))
      assert.isTrue(Exit.isSuccess(yield* read({ DATABASE_URL: "postgres:///x?host=/run&user=u" })))
      assert.include(String(yield* read({ DATABASE_URL: "postgres://db/x" })), "DATABASE_URL names no user; write ")
    })
  )

  it.effect("an unsupported parameter in DATABASE_URL is an error that names the parameter to write instead", () =>
    Effect.gen(function* () {
      const exit = yield* read({ DATABASE_URL: "postgres://user:hunter2@db/x?ssl=true" })
      assert.include(
        String(exit),
        'DATABASE_URL has the parameter "ssl", which the driver does not support; write sslmode=require instead.'
      )
    })
  )
})
