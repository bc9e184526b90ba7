import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Option, Schema, Stream } from "effect"
import { HttpServerResponse } from "effect/http"
import * as Analytics from "../../../src/analytics/Http.ts"
import * as SmallBody from "../../../src/core/limits/SmallBody.ts"
import * as Forms from "../../../src/forms/Http.ts"
import * as Endpoint from "../../../src/http/endpoints/Endpoint.ts"
import type { RequestHead } from "../../../src/http/request/RequestHead.ts"
import * as Countries from "../../../src/memory/analytics/Countries.ts"
import * as MemoryRateLimiter from "../../../src/memory/limits/RateLimiter.ts"
import * as InFlightLimit from "../../../src/platform/http/InFlightLimit.ts"
import { AnalyticsRepo } from "../../../src/services/analytics/AnalyticsRepo.ts"
import { SubmissionRepo } from "../../../src/services/forms/SubmissionRepo.ts"
import { SiteDirectory } from "../../../src/services/sites/SiteDirectory.ts"
import * as MemoryStorage from "../../support/MemoryStorage.ts"
import { interruptEverywhere } from "../../support/Stepwise.ts"

const requestHead: RequestHead = {
  url: "/",
  headers: {},
  address: "198.51.100.1",
  peer: "198.51.100.1",
  headBytes: 1_000
}

/** Requests in order of arrival: the sizes of head and body, and what then happens to the oldest waiting request. */
const Arrivals = Schema.Array(
  Schema.Struct({
    head: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 9_000 })),
    body: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 35_000 })),
    after: Schema.Literals(["wait", "wait", "end", "interrupt"])
  })
).check(Schema.isMaxLength(40))

describe("http/request/InFlightLimit", () => {
  it.effect.prop(
    "large requests stay within the capacity, which a single one may exceed; small ones are accepted; memory is released",
    [Arrivals],
    ([arrivals]) =>
      Effect.gen(function* () {
        const capacity = 30_000
        const waiting: Array<{
          readonly size: number
          readonly end: () => void
          fiber?: Fiber.Fiber<Endpoint.Response>
        }> = []
        const endpoint = InFlightLimit.bounded(
          ({ headBytes }, body) =>
            Effect.callback((resume) => {
              const done = Effect.succeed(HttpServerResponse.empty({ status: 204 }))
              waiting.push({ size: counted(headBytes) + counted(body.length), end: () => resume(done) })
            }),
          { capacity }
        )
        const counted = (bytes: number) => (bytes > SmallBody.maxBytes ? bytes : 0)
        for (const { after, body, head } of arrivals) {
          const before = waiting.reduce((sum, { size }) => sum + size, 0)
          const size = counted(head) + counted(body)
          const fits = size === 0 || before === 0 || before + size <= capacity
          const count = waiting.length
          const fiber = yield* Effect.forkChild(endpoint({ ...requestHead, headBytes: head }, new Uint8Array(body)), {
            startImmediately: true
          })
          assert.strictEqual(waiting.length, fits ? count + 1 : count)
          const last = waiting.at(-1)
          if (fits && last !== undefined) last.fiber = fiber
          if (!fits) assert.strictEqual(Endpoint.toHttpServerResponse(yield* Fiber.join(fiber)).status, 503)
          const oldest = after === "wait" ? undefined : waiting.shift()
          if (oldest?.fiber === undefined) continue
          if (after === "interrupt") yield* Fiber.interrupt(oldest.fiber)
          else {
            oldest.end()
            assert.strictEqual(Endpoint.toHttpServerResponse(yield* Fiber.join(oldest.fiber)).status, 204)
          }
        }
        for (const { fiber } of waiting) if (fiber !== undefined) yield* Fiber.interrupt(fiber)
      })
  )
})

it("an interruption at any step releases the memory", () => {
  let inside = 0
  const waits = Effect.suspend(() => {
    inside++
    return Effect.never
  })
  const endpoint = InFlightLimit.bounded(() => waits, { capacity: 100_000 })
  const body = new Uint8Array(60_000)
  interruptEverywhere(
    () => endpoint(requestHead, body),
    (steps) => {
      // A second request is accepted only if the first has released its memory.
      const before = inside
      Effect.runFork(endpoint(requestHead, body)).interruptUnsafe()
      assert.strictEqual(inside, before + 1, `after ${steps} steps`)
    }
  )
})

const hanging = Layer.mergeAll(
  Layer.succeed(AnalyticsRepo, AnalyticsRepo.of({ append: () => Effect.never })),
  Layer.succeed(
    SubmissionRepo,
    SubmissionRepo.of({
      submit: () => Effect.never,
      stream: () => Stream.never,
      release: () => Effect.never,
      delete: () => Effect.never
    })
  )
)

describe("requests that wait for a hanging store", () => {
  for (const [what, headBytes, textLength] of [
    ["bodies", 0, 2 ** 20],
    ["heads", 2 ** 20, 10]
  ] as const) {
    it.effect(`are limited by the bytes of their ${what}, for page views and for submissions`, () =>
      Effect.gen(function* () {
        const site = yield* SiteDirectory.use((sites) => sites.create({ name: "Test", origins: [] }))
        const text = "x".repeat(textLength)
        for (const [endpoint, content] of [
          [yield* Analytics.TrackHandler, { site_id: site.trackingToken, page_path: "/", session_id: text }],
          [yield* Forms.SubmitHandler, { site_id: site.websiteConfigId, form_data: {}, email: text }]
        ] as const) {
          const body = Buffer.from(JSON.stringify(content))
          const fits = Math.floor(InFlightLimit.maxBytes / Math.max(headBytes, body.length))
          const request = { ...requestHead, headBytes }
          for (let number = 0; number < fits; number++) {
            yield* Effect.forkScoped(endpoint(request, body), { startImmediately: true })
          }
          assert.strictEqual(Endpoint.toHttpServerResponse(yield* endpoint(request, body)).status, 503)
        }
      }).pipe(
        Effect.scoped,
        Effect.provide(
          Layer.mergeAll(
            Analytics.endpoints({
              rateLimit: Option.none(),
              country: { header: Option.none(), trustedProxies: [] }
            }),
            Forms.endpoint({ rateLimit: Option.none() })
          ).pipe(
            Layer.provide([Countries.none, MemoryRateLimiter.layer({ maxKeys: 10 })]),
            Layer.provideMerge(hanging.pipe(Layer.provideMerge(MemoryStorage.layer())))
          )
        )
      )
    )
  }
})
