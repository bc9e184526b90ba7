import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Schema } from "effect"
import { HttpServerResponse } from "effect/http"
import * as Endpoint from "../../src/http/Endpoint.ts"
import * as Room from "../../src/http/Room.ts"

const asked: Endpoint.Asked = { url: "/", headers: {}, address: "198.51.100.1" }

/** Sizes of bodies as they come, and whether the oldest request that waits is over then, is interrupted then, or neither. */
const Arrivals = Schema.Array(
  Schema.Struct({
    size: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 20_000 })),
    after: Schema.Literals(["wait", "wait", "end", "interrupt"])
  })
).check(Schema.isMaxLength(40))

describe("Room", () => {
  it.effect.prop(
    "large bodies hold no more together than may be, but for one; small ones are let in; and room is given back",
    [Arrivals],
    ([arrivals]) =>
      Effect.gen(function* () {
        const capacity = 30_000
        const waiting: Array<{
          readonly size: number
          readonly end: () => void
          fiber?: Fiber.Fiber<Endpoint.Answer>
        }> = []
        const endpoint = Room.bounded(
          (_, body) =>
            Effect.callback((resume) => {
              const done = Effect.succeed(HttpServerResponse.empty({ status: 204 }))
              waiting.push({ size: body.length, end: () => resume(done) })
            }),
          { capacity }
        )
        const held = () => waiting.reduce((sum, { size }) => sum + (size > Room.small ? size : 0), 0)
        for (const { after, size } of arrivals) {
          const before = held()
          const fits = size <= Room.small || before === 0 || before + size <= capacity
          const count = waiting.length
          const fiber = yield* Effect.forkChild(endpoint(asked, new Uint8Array(size)), { startImmediately: true })
          assert.strictEqual(waiting.length, fits ? count + 1 : count)
          const last = waiting.at(-1)
          if (fits && last !== undefined) last.fiber = fiber
          if (!fits) assert.strictEqual(Endpoint.toResponse(yield* Fiber.join(fiber)).status, 503)
          const oldest = after === "wait" ? undefined : waiting.shift()
          if (oldest?.fiber === undefined) continue
          if (after === "interrupt") yield* Fiber.interrupt(oldest.fiber)
          else {
            oldest.end()
            assert.strictEqual(Endpoint.toResponse(yield* Fiber.join(oldest.fiber)).status, 204)
          }
        }
        for (const { fiber } of waiting) if (fiber !== undefined) yield* Fiber.interrupt(fiber)
      })
  )
})
