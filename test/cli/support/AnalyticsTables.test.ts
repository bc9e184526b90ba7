/** `migrate`, `serve` and `doctor` on ClickHouse servers with and without tables. */
import { assert, it } from "@effect/vitest"
import { ConfigProvider, Effect, Layer, Option, Redacted } from "effect"
import { layer as separateStore } from "../../../src/analytics/clickhouse/SeparateStore.ts"
import { SeparateStore } from "../../../src/analytics/SeparateStore.ts"
import { Settings } from "../../../src/Config.ts"
import * as Inspection from "../../../src/cli/doctor/Inspection.ts"
import * as AnalyticsTables from "../../../src/cli/support/AnalyticsTables.ts"
import * as ErrorMessages from "../../../src/cli/support/ErrorMessages.ts"
import { ClickHouse } from "../../../src/platform/clickhouse/ClickHouse.ts"
import * as History from "../../../src/platform/clickhouse/schema/History.ts"
import * as HttpServer from "../../support/clickhouse/HttpServer.ts"
import { describeWithClickHouse } from "../../support/clickhouse/TestClickHouse.ts"
import { findingsOf, installation } from "../../support/DoctorFacts.ts"

const settingsOf = (url: string, timeout = "60 seconds") =>
  Settings.parse(ConfigProvider.fromUnknown({ ANALYTICS_URL: url, DATABASE_TIMEOUT: timeout }))

const drop = (server: HttpServer.HttpServer) =>
  ClickHouse.use(({ command }) => command("DROP TABLE event SYNC")).pipe(
    Effect.provide(Layer.fresh(HttpServer.clientOf(server)))
  )

describeWithClickHouse("cli/support/AnalyticsTables", () => {
  it.live("creates missing tables, and no table twice; the service is not ready while tables are missing", () =>
    Effect.gen(function* () {
      const server = yield* HttpServer.make
      const settings = yield* settingsOf(server.url)
      const isMigrated = SeparateStore.use(
        Option.match({ onNone: () => Effect.die("no separate store"), onSome: (store) => store.isMigrated })
      ).pipe(
        Effect.provide(
          Layer.provide(separateStore({ timeout: "60 seconds" }), Layer.fresh(HttpServer.clientOf(server)))
        )
      )
      assert.deepStrictEqual(yield* AnalyticsTables.migrate(settings, Option.none()), [])
      assert.isTrue(yield* isMigrated)
      yield* drop(server)
      assert.isFalse(yield* isMigrated)
      const other = yield* Effect.flip(AnalyticsTables.migrate(settings, Option.some("main")))
      assert.match(ErrorMessages.of(other), /tables are on one server already/)
      assert.deepStrictEqual(yield* AnalyticsTables.migrate(settings, Option.none()), History.migrations)
      assert.isTrue(yield* isMigrated)
    }).pipe(Effect.scoped)
  )

  it.live(
    "while ClickHouse is unreachable, the service starts; creating the tables fails, and the message names the setting",
    () =>
      Effect.gen(function* () {
        const settings = yield* settingsOf("clickhouse://127.0.0.1:1/edge", "3 seconds")
        yield* AnalyticsTables.warnIfUnusable(settings)
        const error = yield* Effect.flip(AnalyticsTables.migrate(settings, Option.none()))
        assert.match(ErrorMessages.of(error), /^ClickHouse cannot be used \(ECONNREFUSED\)\. .*ANALYTICS_URL/)
      })
  )

  it.live("an inspection finds the version, missing migrations and rights, and a wrong password", () =>
    Effect.gen(function* () {
      const server = yield* HttpServer.make
      const inspect = Inspection.analytics(server.address, "60 seconds")
      const facts = yield* inspect
      assert.deepInclude(facts, { _tag: "Reached", isPrivate: true, denied: [] })
      assert.match(facts.version, /^\d+\.\d+/)
      server.denied.add("system.mutations")
      const analytics = yield* inspect
      assert.include(
        findingsOf({ ...installation, analytics }, "analytics").map(({ finding }) => finding),
        "ClickHouse's user may not use system.mutations: what is received is not stored, or not deleted."
      )
      server.denied.clear()
      yield* drop(server)
      assert.match(ErrorMessages.of(yield* Effect.flip(inspect)), /^ClickHouse lacks a migration\. .*migrate/)
      const wrong = Redacted.make({ ...Redacted.value(server.address), password: "wrong" })
      const refused = yield* Effect.flip(Inspection.analytics(wrong, "60 seconds"))
      assert.match(
        ErrorMessages.of(refused),
        /^ClickHouse cannot be used \(AUTHENTICATION_FAILED\)\. Check the user and the password /
      )
    }).pipe(Effect.scoped)
  )

  it.effect("a cluster needs ANALYTICS_URL", () =>
    Effect.gen(function* () {
      const settings = yield* Settings.parse(ConfigProvider.fromUnknown({}))
      yield* AnalyticsTables.requireStore(settings, Option.none())
      assert.isNull(yield* AnalyticsTables.migrate(settings, Option.none()))
      const error = yield* Effect.flip(AnalyticsTables.requireStore(settings, Option.some("main")))
      assert.include(ErrorMessages.of(error), "--cluster needs ANALYTICS_URL, which is not set.")
    })
  )
})
