import { EventEmitter } from "node:events"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import * as Protocol from "../../../src/platform/cluster/Protocol.ts"
import { until } from "../../support/Wait.ts"
import * as Channels from "../../support/WorkerChannels.ts"

describe("platform/cluster/Worker", () => {
  it.live("ends when the primary dies", () =>
    Effect.gen(function* () {
      const host = Object.assign(new EventEmitter(), { connected: true })
      const { sent, worker } = Channels.make()
      const running = yield* Effect.forkChild(Protocol.run(host, worker, Effect.void))
      yield* until("the worker serves", () => sent.some(({ _tag }) => _tag === "Serving"))
      assert.isUndefined(running.pollUnsafe())
      host.emit("disconnect")
      yield* Fiber.join(running)
    })
  )

  it.live("ends if the primary died before the worker could hear of it", () =>
    Effect.gen(function* () {
      const host = Object.assign(new EventEmitter(), { connected: false })
      yield* Protocol.run(host, Channels.make().worker, Effect.never).pipe(Effect.timeout("30 seconds"))
    })
  )
})
