import { assert, describe, it, layer } from "@effect/vitest"
import { Effect, Fiber, Layer, Option, Schema } from "effect"
import { AnalyticsRepo } from "../../../src/analytics/AnalyticsRepo.ts"
import { SubmissionRepo } from "../../../src/forms/SubmissionRepo.ts"
import type { RequestHead } from "../../../src/platform/contract/Received.ts"
import * as Body from "../../../src/platform/http/Body.ts"
import { smallBodyBytes } from "../../../src/platform/http/Incoming.ts"
import { interruptEverywhere } from "../../support/Stepwise.ts"
import * as TestServer from "../../support/TestServer.ts"
import { until } from "../../support/Wait.ts"

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

describe("platform/http/Body: makeInFlightLimit", () => {
  it.effect.prop(
    "large requests stay within the capacity, which a single one may exceed; small ones are accepted; memory is released",
    [Arrivals],
    ([arrivals]) =>
      Effect.gen(function* () {
        const capacity = 30_000
        const waiting: Array<{
          readonly size: number
          readonly end: () => void
          fiber?: Fiber.Fiber<number>
        }> = []
        const limitInFlight = Body.makeInFlightLimit({ capacity })
        const endpoint = (head: RequestHead, body: Uint8Array) =>
          limitInFlight(
            head,
            body,
            () =>
              Effect.callback<number>((resume) => {
                const size = counted(head.headBytes) + counted(body.length)
                waiting.push({ size, end: () => resume(Effect.succeed(204)) })
              }),
            () => Effect.succeed(503)
          )
        const counted = (bytes: number) => (bytes > smallBodyBytes ? bytes : 0)
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
          if (!fits) assert.strictEqual(yield* Fiber.join(fiber), 503)
          const oldest = after === "wait" ? undefined : waiting.shift()
          if (oldest?.fiber === undefined) continue
          if (after === "interrupt") yield* Fiber.interrupt(oldest.fiber)
          else {
            oldest.end()
            assert.strictEqual(yield* Fiber.join(oldest.fiber), 204)
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
  const limitInFlight = Body.makeInFlightLimit({ capacity: 100_000 })
  const endpoint = (head: RequestHead, body: Uint8Array) =>
    limitInFlight(
      head,
      body,
      () => waits,
      () => Effect.void
    )
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

/** Ends the requests that wait for the store. */
const waiting: Array<() => void> = []

const stored = Effect.callback<never>((resume) => void waiting.push(() => resume(Effect.die("The test is over"))))

const hanging = Layer.mergeAll(
  Layer.mock(AnalyticsRepo)({ append: () => stored }),
  Layer.succeed(SubmissionRepo, { submit: () => stored })
)

const endAll = () => {
  for (const end of waiting.splice(0)) end()
}

/** The maximum size of the waiting requests together, and of one of them, in bytes. */
const [maxWaiting, size] = [64 * 2 ** 20, 8 * 2 ** 20]

layer(
  TestServer.layer(
    { maxBody: size, rateLimitAnalytics: Option.none(), rateLimitForms: Option.none() },
    undefined,
    (storage) => Layer.merge(storage, hanging)
  ),
  { excludeTestServices: true }
)("requests that wait for a hanging store", (it) => {
  for (const kind of ["track", "submit"] as const) {
    it.effect(`are limited by the bytes of their bodies (${kind})`, () =>
      Effect.gen(function* () {
        const { trackingToken, url, websiteConfigId } = yield* TestServer.TestServer
        const content =
          kind === "track" ? { site_id: trackingToken, page_path: "/" } : { site_id: websiteConfigId, form_data: {} }
        // A member that no endpoint reads: its bytes count, and nothing decodes or hashes them.
        const textWith = (filler: string) => JSON.stringify({ ...content, filler })
        const body = Buffer.from(textWith("x".repeat(size - textWith("").length)))
        for (let number = 0; number < maxWaiting / size; number++) {
          yield* Effect.forkScoped(
            Effect.promise((signal) => fetch(url + TestServer.paths[kind], { method: "POST", body, signal }))
          )
          yield* until("the request waits for the store", () => waiting.length === number + 1)
        }
        const refused = yield* Effect.promise(() => fetch(url + TestServer.paths[kind], { method: "POST", body }))
        assert.deepStrictEqual([refused.status, refused.headers.get("x-hydracore-decision")], [503, "unavailable"])
      }).pipe(Effect.ensuring(Effect.sync(endAll)), Effect.scoped)
    )
  }
})
