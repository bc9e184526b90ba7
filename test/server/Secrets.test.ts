/**
 * No secret leaks: marked tokens, keys, addresses, form contents and messages are sent in requests that succeed and in requests
 * that fail. All output (the log at level Trace, OTLP exports, metrics, headers, bodies) is searched for them.
 */
import { PgClient } from "@effect/sql-pg"
import { assert, it } from "@effect/vitest"
import { ConfigProvider, Duration, Effect, Layer } from "effect"
import * as App from "../../src/App.ts"
import { AnalyticsRepo } from "../../src/analytics/AnalyticsRepo.ts"
import { Settings } from "../../src/Config.ts"
import { SubmissionRepo } from "../../src/forms/SubmissionRepo.ts"
import { RecordRefused, StorageUnavailable } from "../../src/platform/Storage.ts"
import * as TestClient from "../support/postgres/TestClient.ts"
import { postgres, type Storage } from "../support/Storages.ts"
import { marks } from "../support/secrets/Recorder.ts"
import { assertNowhere, scenario } from "../support/secrets/Scenario.ts"

/** A store whose errors quote the secrets. */
const withLeakyErrors = (storage: Layer.Layer<Storage>) => {
  const leak = new Error(`cannot store ${Object.values(marks).join(" ")}`)
  return Layer.mergeAll(
    Layer.mock(AnalyticsRepo)({
      append: () => Effect.fail(new StorageUnavailable({ reason: "unreachable", cause: leak }))
    }),
    Layer.effect(
      SubmissionRepo,
      SubmissionRepo.use((repo) =>
        Effect.succeed(
          SubmissionRepo.of({
            ...repo,
            submit: ({ email }) =>
              Effect.fail(
                email === null
                  ? new StorageUnavailable({ reason: "timeout", cause: leak })
                  : new RecordRefused({ cause: leak })
              )
          })
        )
      )
    )
  ).pipe(Layer.provideMerge(storage))
}

it.live("no secret leaks with storage in memory", () =>
  Effect.gen(function* () {
    const output = yield* scenario(postgres())
    assertNowhere(output)
    assert.deepStrictEqual(
      [...output.statuses].sort(),
      [200, 204, 400, 401, 403, 404, 405, 413, 415, 422, 429, 502].sort()
    )
    // The log, the traces and the metrics are not empty.
    assert.isTrue(output.lines.some((line) => line.includes("The agent did not accept a message")))
    for (const status of [204, 401, 422, 502]) {
      assert.isTrue(output.spans.some(({ attributes }) => attributes["http.response.status_code"] === status))
    }
    assert.isTrue(output.spans.some(({ name }) => name === "POST /v1/public/widget/:instance_id/chat"))
    assert.isTrue(output.spans.some(({ name, status }) => name === "AgentStream.stream" && status.code === 2))
    assert.isTrue(output.exported.some((body) => body.includes("The agent did not accept a message")))
    assert.match(
      output.metrics,
      /requests_total\{route="\/v1\/public\/widget\/:instance_id\/chat",method="POST",status="200"\} [1-9]/
    )
    assert.match(output.metrics, /requests_total\{route="other",method="POST",status="404"\} [1-9]/)
  }).pipe(Effect.scoped)
)

it.live("no secret leaks from a failing store whose errors quote the secrets", () =>
  Effect.gen(function* () {
    const output = yield* scenario(withLeakyErrors(postgres()))
    assertNowhere(output)
    assert.isTrue(output.statuses.has(503))
    assert.isTrue(output.lines.some((line) => line.includes("The store refused a record")))
  }).pipe(Effect.scoped)
)

it.live("no secret leaks with PostgreSQL, even when its tables are broken", () =>
  Effect.gen(function* () {
    // The variable only turns on the tracing of batches. The spans go to the scenario's collector instead of this endpoint.
    const environment = ConfigProvider.fromUnknown({
      DATABASE_TIMEOUT: "5 seconds",
      SECRETS_KEY: "0".repeat(64),
      OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:4318"
    })
    const settings: Settings = yield* Settings.pipe(Effect.provideService(ConfigProvider.ConfigProvider, environment))
    const database = yield* Layer.build(TestClient.layer)
    const breakTables = PgClient.PgClient.use((sql) =>
      Effect.andThen(
        sql`ALTER TABLE submission ADD CHECK (length(form_data::text) < 3) NOT VALID`,
        sql`DROP TABLE page_view CASCADE`
      )
    ).pipe(Effect.orDie, Effect.provide(database), Effect.asVoid)
    const storage = App.storage({ ...settings, databaseTimeout: Duration.seconds(5) }).pipe(
      Layer.provide(Layer.succeedContext(database)),
      Layer.orDie
    )
    const output = yield* scenario(storage, breakTables)
    assertNowhere(output)
    for (const kind of ["page-views", "submissions"]) {
      const batches = output.spans.filter(({ name }) => name === `batch ${kind}`)
      assert.isTrue(batches.some(({ status }) => status.code === 1) && batches.some(({ status }) => status.code === 2))
    }
    assert.isTrue(output.statuses.has(503))
    assert.isTrue(output.lines.some((line) => line.includes("The store refused a record")))
  }).pipe(Effect.scoped)
)
