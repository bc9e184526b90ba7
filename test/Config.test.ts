import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Duration, Effect, Exit, Option, Redacted } from "effect"
import { IpNetwork } from "effect/net"
import { DemoSettings, Settings } from "../src/Config.ts"

const read = (environment: Record<string, string>) =>
  Effect.exit(
    Settings.pipe(Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromUnknown(environment)))
  )

describe("Config", () => {
  it.effect("every setting has a default", () =>
    Effect.gen(function* () {
      const settings = Exit.getSuccess(yield* read({})).pipe(Option.getOrThrow)
      assert.strictEqual(settings.port, 8080)
      assert.isTrue(Option.isNone(settings.databaseUrl))
      assert.isTrue(Option.isNone(settings.metricsPort))
      assert.isTrue(Option.isNone(settings.retentionPageViews) && Option.isNone(settings.retentionSubmissions))
      assert.deepStrictEqual(settings.retentionConversations, Option.some({ count: 30, unit: "days" }))
      assert.deepStrictEqual(settings.rateLimitForms, Option.some({ name: "forms", limit: 5, windowMillis: 60_000 }))
    })
  )

  it.effect("chat streams are limited by default unless the chat's rate limit is off", () =>
    Effect.gen(function* () {
      for (const [environment, perAddress, perInstance] of [
        [{}, Option.some(20), Option.some(200)],
        [{ RATE_LIMIT_CHAT: "off" }, Option.none(), Option.none()],
        [{ RATE_LIMIT_CHAT: "off", CHAT_STREAMS_PER_ADDRESS: "3" }, Option.some(3), Option.none()],
        [{ CHAT_STREAMS_PER_ADDRESS: "off", CHAT_STREAMS_PER_INSTANCE: "7" }, Option.none(), Option.some(7)]
      ] as const) {
        const settings = Exit.getSuccess(yield* read(environment)).pipe(Option.getOrThrow)
        assert.deepStrictEqual(settings.chatStreams, { perAddress, perInstance })
      }
      for (const wrong of ["0", "-1", "1.5", "many", "1000001"]) {
        assert.isTrue(Exit.isFailure(yield* read({ CHAT_STREAMS_PER_INSTANCE: wrong })), wrong)
      }
    })
  )

  it.effect("connections per address are limited by default unless all rate limits are off", () =>
    Effect.gen(function* () {
      const off = { RATE_LIMIT_ANALYTICS: "off", RATE_LIMIT_FORMS: "off", RATE_LIMIT_CHAT: "off" }
      for (const [environment, expected] of [
        [{}, Option.some(100)],
        [{ ...off, RATE_LIMIT_FORMS: "9/minute" }, Option.some(100)],
        [off, Option.none()],
        [{ ...off, CONNECTIONS_PER_ADDRESS: "7" }, Option.some(7)],
        [{ CONNECTIONS_PER_ADDRESS: "off" }, Option.none()]
      ] as const) {
        const settings = Exit.getSuccess(yield* read(environment)).pipe(Option.getOrThrow)
        assert.deepStrictEqual(settings.connectionsPerAddress, expected)
      }
      for (const wrong of ["0", "-1", "1.5", "many", "1000001"]) {
        assert.isTrue(Exit.isFailure(yield* read({ CONNECTIONS_PER_ADDRESS: wrong })), wrong)
      }
    })
  )

  it.effect("mail needs a server, a sender, an address for its links and a key, and no error repeats a password", () =>
    Effect.gen(function* () {
      const all = {
        DATABASE_URL: "postgres://user@localhost/edge",
        SMTP_URL: "smtps://user:p%40ss@mail.example.com",
        MAIL_FROM: "Edge <mail@example.com>",
        PUBLIC_URL: "https://www.example.com/hc/",
        SECRETS_KEY: "0".repeat(64)
      }
      const mail = Option.flatMap(Exit.getSuccess(yield* read(all)), (settings) => settings.mail).pipe(
        Option.getOrThrow
      )
      assert.deepStrictEqual(Redacted.value(mail.server).login, { user: "user", password: "p@ss" })
      assert.deepStrictEqual(
        [mail.from, mail.publicUrl],
        [{ name: "Edge", address: "mail@example.com" }, "https://www.example.com/hc"]
      )
      for (const name of ["MAIL_FROM", "PUBLIC_URL", "SECRETS_KEY"] as const) {
        const { [name]: _, ...others } = all
        const failed = JSON.stringify(yield* read(others))
        assert.include(failed, `${name} is not set`)
        assert.notInclude(failed, "p%40ss")
      }
      for (const wrong of [
        { SMTP_URL: "mail.example.com" },
        { SMTP_URL: "http://user:secret@mail.example.com" },
        { MAIL_FROM: "Edge" },
        { PUBLIC_URL: "edge.example.com" },
        { PUBLIC_URL: "https://edge.example.com/?secret" }
      ]) {
        const failed = JSON.stringify(yield* read({ ...all, ...wrong }))
        assert.include(failed, Object.keys(wrong)[0] ?? "")
      }
      assert.isTrue(Option.isNone(Exit.getSuccess(yield* read({})).pipe(Option.getOrThrow).mail))
    })
  )

  it.effect("reads every variable", () =>
    Effect.gen(function* () {
      const settings = Exit.getSuccess(
        yield* read({
          PORT: "0",
          LOG_LEVEL: "debug",
          RATE_LIMIT_CHAT: "off",
          RATE_LIMIT_ANALYTICS: "7/second",
          AGENT_TIMEOUT: "1500 millis",
          MAX_BODY: "64 KiB",
          RETENTION_PAGE_VIEWS: "25 months",
          RETENTION_SUBMISSIONS: "off",
          RETENTION_CONVERSATIONS: "off",
          TRUSTED_PROXIES: "10.0.0.0/8, ::1",
          DATABASE_URL: "postgres://u:p@h/d",
          REDIS_URL: ""
        })
      ).pipe(Option.getOrThrow)
      assert.strictEqual(settings.port, 0)
      assert.strictEqual(settings.logLevel, "Debug")
      assert.deepStrictEqual(settings.rateLimitChat, Option.none())
      assert.deepStrictEqual(
        settings.rateLimitAnalytics,
        Option.some({ name: "analytics", limit: 7, windowMillis: 1000 })
      )
      assert.strictEqual(Duration.toMillis(settings.agentTimeout), 1500)
      assert.strictEqual(settings.maxBody, 65_536)
      assert.deepStrictEqual(settings.retentionPageViews, Option.some({ count: 25, unit: "months" }))
      assert.deepStrictEqual(settings.retentionSubmissions, Option.none())
      assert.deepStrictEqual(settings.retentionConversations, Option.none())
      assert.deepStrictEqual(settings.trustedProxies.map(IpNetwork.format), ["10.0.0.0/8", "::1/128"])
      assert.strictEqual(Redacted.value(Option.getOrThrow(settings.databaseUrl)), "postgres://u:p@h/d")
      assert.isTrue(Option.isNone(settings.redisUrl))
    })
  )

  it.effect("without an endpoint, the other OpenTelemetry variables are ignored", () =>
    Effect.gen(function* () {
      const exit = yield* read({ OTEL_TRACES_SAMPLER: "jaeger_remote", OTEL_EXPORTER_OTLP_HEADERS: "nonsense" })
      assert.deepStrictEqual(
        Option.map(Exit.getSuccess(exit), ({ otlp }) => otlp),
        Option.some(Option.none())
      )
    })
  )

  it.effect("reads the OpenTelemetry variables", () =>
    Effect.gen(function* () {
      const otlp = (environment: Record<string, string>) =>
        Effect.map(read({ OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4318", ...environment }), (exit) =>
          Option.getOrThrow(Option.getOrThrow(Exit.getSuccess(exit)).otlp)
        )
      const { endpoint, headers, ...rest } = yield* otlp({})
      assert.strictEqual(endpoint, "http://collector:4318/")
      assert.deepStrictEqual(Redacted.value(headers), {})
      assert.deepStrictEqual(rest, {
        protocol: "http/protobuf",
        serviceName: "hydracore-edge",
        resourceAttributes: {},
        traceRatio: 1
      })
      const given = yield* otlp({
        OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
        OTEL_EXPORTER_OTLP_HEADERS: "authorization=Bearer%20k",
        OTEL_SERVICE_NAME: "edge",
        OTEL_RESOURCE_ATTRIBUTES: "a=1,b=2"
      })
      assert.strictEqual(given.protocol, "http/json")
      assert.deepStrictEqual(Redacted.value(given.headers), { authorization: "Bearer k" })
      assert.strictEqual(given.serviceName, "edge")
      assert.deepStrictEqual(given.resourceAttributes, { a: "1", b: "2" })
      for (const [sampler, ratio, expected] of [
        ["", "0.25", 0.25],
        ["parentbased_traceidratio", "1.0", 1],
        ["parentbased_traceidratio", ".5", 0.5],
        ["parentbased_always_on", "0.25", 1],
        ["parentbased_always_off", "", 0]
      ] as const) {
        const environment = { OTEL_TRACES_SAMPLER: sampler, OTEL_TRACES_SAMPLER_ARG: ratio }
        assert.strictEqual((yield* otlp(environment)).traceRatio, expected)
      }
      for (const [name, value, said] of [
        ["OTEL_TRACES_SAMPLER_ARG", "2", 'is "2"; it must be a number from 0 to 1.'],
        ["OTEL_TRACES_SAMPLER_ARG", "half", "it must be a number from 0 to 1."],
        ["OTEL_TRACES_SAMPLER", "always_on", "it must be one of parentbased_traceidratio,"],
        ["OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "it must be http/protobuf or http/json."],
        ["OTEL_EXPORTER_OTLP_HEADERS", "hunter2", 'is not usable; it must be a list such as "key=value'],
        ["OTEL_RESOURCE_ATTRIBUTES", "a", 'is "a"; it must be a list such as "key=value']
      ] as const) {
        const exit = yield* read({ OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4318", [name]: value })
        assert.include(String(exit), `${name} `)
        assert.include(String(exit), said)
        assert.notInclude(String(exit), "hunter2")
      }
    })
  )

  it.effect(
    "the console brings the owner API to its own port, and is on in a demo that only this machine can reach",
    () =>
      Effect.gen(function* () {
        for (const [environment, console, ownerApi] of [
          [{}, false, false],
          [{ CONSOLE: "on" }, true, true],
          [{ CONSOLE: "on", OWNER_PORT: "81" }, true, false],
          [{ CONSOLE: "on", OWNER_PORT: "81", OWNER_API: "on" }, true, true],
          [{ CONSOLE: "off", OWNER_API: "on" }, false, true]
        ] as const) {
          const settings = yield* Settings.parse(ConfigProvider.fromUnknown(environment))
          assert.deepStrictEqual(
            [settings.console, settings.ownerApi],
            [console, ownerApi],
            JSON.stringify(environment)
          )
        }
        for (const [environment, console, ownerApi] of [
          [{}, true, true],
          [{ HOST: "::1" }, true, true],
          [{ HOST: "0.0.0.0" }, false, false],
          [{ HOST: "0.0.0.0", CONSOLE: "on" }, true, true],
          [{ CONSOLE: "off" }, false, true],
          [{ OWNER_API: "off" }, false, false],
          [{ OWNER_API: "off", OWNER_PORT: "81" }, true, false]
        ] as const) {
          const { settings } = yield* DemoSettings.parse(ConfigProvider.fromUnknown(environment))
          assert.deepStrictEqual(
            [settings.console, settings.ownerApi],
            [console, ownerApi],
            JSON.stringify(environment)
          )
        }
        assert.include(String(yield* read({ CONSOLE: "yes" })), 'CONSOLE must be "on" or "off".')
        const conflict = yield* read({ CONSOLE: "on", OWNER_API: "off" })
        assert.include(String(conflict), "CONSOLE needs the owner API: set OWNER_PORT, or leave out OWNER_API=off.")
      })
  )

  it.effect("the demo ignores DATABASE_URL and REDIS_URL, valid or not, and reports which are set", () =>
    Effect.gen(function* () {
      for (const [environment, unused] of [
        [{}, []],
        [{ DATABASE_URL: " ", REDIS_URL: "" }, []],
        [{ DATABASE_URL: "postgres://u:p@h/d" }, ["DATABASE_URL"]],
        [{ DATABASE_URL: "mysql://h/d", REDIS_URL: "redis://h" }, ["DATABASE_URL", "REDIS_URL"]]
      ] as const) {
        const read = yield* DemoSettings.parse(ConfigProvider.fromUnknown({ PORT: "81", ...environment }))
        assert.deepStrictEqual([...read.unused], [...unused])
        assert.isTrue(Option.isNone(read.settings.databaseUrl) && Option.isNone(read.settings.redisUrl))
        assert.strictEqual(read.settings.port, 81)
      }
    })
  )

  it.effect("names the invalid network and suggests a correction", () =>
    Effect.gen(function* () {
      for (const [value, said] of [
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
        assert.include(String(yield* read({ TRUSTED_PROXIES: value })), said)
      }
    })
  )

  it.effect("a header of countries needs trusted proxies and a name", () =>
    Effect.gen(function* () {
      assert.include(String(yield* read({ GEO_HEADER: "cf-ipcountry" })), "GEO_HEADER needs TRUSTED_PROXIES")
      const proxies = { TRUSTED_PROXIES: "10.0.0.0/8" }
      assert.include(String(yield* read({ ...proxies, GEO_HEADER: "no header" })), "GEO_HEADER is no name of a header")
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
    ["OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318?key=hunter2"]
  ] as const) {
    it.effect(`${name}=${value} is an error that names it without its secret`, () =>
      Effect.gen(function* () {
        const exit = yield* read({ [name]: value })
        assert.isTrue(Exit.isFailure(exit))
        assert.include(String(exit), name)
        assert.notInclude(String(exit), "hunter2")
      })
    )
  }

  it.effect("DATABASE_URL names a user, unless the process has one", () =>
    Effect.gen(function* () {
      assert.isTrue(Exit.isSuccess(yield* read({ DATABASE_URL: "postgres://db/x", USER: "u" })))
      assert.isTrue(Exit.isSuccess(yield* read({ DATABASE_URL: "postgres:///x?host=/run&user=u" })))
      assert.include(String(yield* read({ DATABASE_URL: "postgres://db/x" })), "DATABASE_URL names no user; write ")
    })
  )

  it.effect("an unsupported parameter in DATABASE_URL is an error of one sentence", () =>
    Effect.gen(function* () {
      const exit = yield* read({ DATABASE_URL: "postgres://user:hunter2@db/x?ssl=true" })
      assert.include(
        String(exit),
        'DATABASE_URL has the parameter "ssl", which the driver does not know; write sslmode=require instead.'
      )
    })
  )
})
