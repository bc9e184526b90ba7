/** The responses when the store is unavailable or a defect occurs. */
import { assert, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { AnalyticsRepo } from "../../src/analytics/AnalyticsRepo.ts"
import { SubmissionRepo } from "../../src/forms/SubmissionRepo.ts"
import { StorageUnavailable } from "../../src/platform/Storage.ts"
import { detailOf, uuid } from "../support/ResponseParts.ts"
import { paths, TestServer, layer as testServer } from "../support/TestServer.ts"

const unavailable = Effect.fail(new StorageUnavailable({ reason: "unreachable" }))

layer(
  testServer({}, undefined, (storage) =>
    Layer.mergeAll(
      Layer.mock(AnalyticsRepo)({ append: () => unavailable }),
      Layer.succeed(SubmissionRepo, { submit: () => unavailable })
    ).pipe(Layer.provideMerge(storage))
  ),
  { excludeTestServices: true }
)("http, while the store is unavailable", (it) => {
  it.effect("answers 503 with Retry-After", () =>
    Effect.gen(function* () {
      const { send, trackingToken, websiteConfigId } = yield* TestServer
      for (const answer of [
        yield* send(paths.track, { site_id: trackingToken, page_path: "/" }),
        yield* send(paths.submit, { site_id: websiteConfigId, form_data: {} })
      ]) {
        assert.strictEqual(answer.status, 503)
        assert.isAbove(Number(answer.headers.get("retry-after")), 0)
        assert.isString(detailOf(answer.json))
      }
    })
  )
})

layer(
  testServer({}, undefined, (storage) =>
    Layer.mock(AnalyticsRepo)({ append: () => Effect.die(new Error("secret words")) }).pipe(Layer.provideMerge(storage))
  ),
  { excludeTestServices: true }
)("http, with a defect", (it) => {
  it.effect("answers 500 without details", () =>
    Effect.gen(function* () {
      const { send, trackingToken } = yield* TestServer
      const answer = yield* send(paths.track, { site_id: trackingToken, page_path: "/" })
      assert.strictEqual(answer.status, 500)
      assert.strictEqual(answer.text, '{"detail":"Internal Server Error"}')
      assert.match(answer.headers.get("x-error-id") ?? "", uuid)
      assert.notInclude(JSON.stringify([...answer.headers]), "secret")
    })
  )
})
