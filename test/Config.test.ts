/** Defaults, parsing, settings that depend on each other, and the demo's settings. */
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Duration, Effect, Exit, Option, Redacted } from "effect"
import { IpNetwork } from "effect/net"
import { DemoSettings, Settings } from "../src/Config.ts"
import { read } from "./support/ReadSettings.ts"

describe("Config", () => {
  it.effect("every setting has a default", () =>
    Effect.gen(function* () {
      const settings = Exit.getSuccess(yield* read({})).pipe(Option.getOrThrow)
      assert.strictEqual(settings.port, 8080)
      assert.isTrue(Option.isNone(settings.databaseUrl))
      assert.isTrue(Option.isNone(settings.metricsPort))
      assert.isTrue(Option.isNone(settings.retentionPageViews) && Option.isNone(settings.retentionSubmissions))
      assert.deepStrictEqual(settings.retentionConversations, Option.some({ count: 30, unit: "days" }))
      assert.deepStrictEqual(
        settings.rateLimitForms,
        Option.some({ name: "forms", limit: 5, networkLimit: 500, windowMillis: 60_000 })
      )
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

  it.effect("RATE_LIMIT_NETWORK multiplies every rate limit for an IPv6 /48", () =>
    Effect.gen(function* () {
      for (const [environment, networkLimit] of [
        [{ RATE_LIMIT_NETWORK: "7" }, 7 * 600],
        [{ RATE_LIMIT_NETWORK: "off" }, undefined],
        [{ RATE_LIMIT_NETWORK: "1000000" }, 999_999]
      ] as const) {
        const settings = Exit.getSuccess(yield* read(environment)).pipe(Option.getOrThrow)
        assert.strictEqual(Option.getOrThrow(settings.rateLimitOwner).networkLimit, networkLimit)
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
        { SMTP_URL: "http://user:p%40ss@mail.example.com" },
        { MAIL_FROM: "Edge" },
        { PUBLIC_URL: "edge.example.com" },
        { PUBLIC_URL: "https://edge.example.com/?query" }
      ]) {
        const failed = JSON.stringify(yield* read({ ...all, ...wrong }))
        assert.include(failed, Object.keys(wrong)[0] ?? "")
        assert.notInclude(failed, "p%40ss")
      }
      assert.isTrue(Option.isNone(Exit.getSuccess(yield* read({})).pipe(Option.getOrThrow).mail))
    })
  )

  it.effect("reads numbers, durations, sizes, limits, retentions, networks and URLs", () =>
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
        Option.some({ name: "analytics", limit: 7, networkLimit: 700, windowMillis: 1000 })
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

  it.effect(
    "the console enables the owner API on the console's port, and is on in a demo that only this machine can reach",
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
          [{ OWNER_PORT: "81" }, true, false],
          [{ OWNER_API: "on", OWNER_PORT: "81" }, true, true],
          [{ OWNER_API: "off", OWNER_PORT: "81" }, true, false]
        ] as const) {
          const { settings } = yield* DemoSettings.parse(ConfigProvider.fromUnknown(environment))
          assert.deepStrictEqual(
            [settings.console, settings.ownerApi],
            [console, ownerApi],
            JSON.stringify(environment)
          )
        }
        assert.include(String(yield* read({ CONSOLE: "yes" })), 'CONSOLE is "yes"; it must be "on" or "off".')
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
        const demo = yield* DemoSettings.parse(ConfigProvider.fromUnknown({ PORT: "81", ...environment }))
        assert.deepStrictEqual([...demo.unused], [...unused])
        assert.isTrue(Option.isNone(demo.settings.databaseUrl) && Option.isNone(demo.settings.redisUrl))
        assert.strictEqual(demo.settings.port, 81)
      }
    })
  )
})
