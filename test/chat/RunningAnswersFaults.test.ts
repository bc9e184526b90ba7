import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Layer, Logger, Scope, Stream } from "effect"
import * as ScriptedAgent from "../../src/chat/AgentStream.ts"
import { RecordRefused } from "../../src/platform/Storage.ts"
import { newKey } from "../support/Conversations.ts"
import { begin, endless, layer, Running, type Store } from "../support/RunningAnswers.ts"
import { until } from "../support/Wait.ts"

describe("chat/RunningAnswers: while the store fails", () => {
  it.live("if the store refuses an answer, storing it is not retried", () => {
    let tries = 0
    const overrides = (): Partial<Store> => ({
      complete: () =>
        Effect.andThen(
          Effect.sync(() => tries++),
          Effect.fail(new RecordRefused({}))
        )
    })
    return Effect.gen(function* () {
      const { events } = yield* begin(yield* newKey)
      assert.strictEqual((yield* Effect.flip(Stream.runCollect(events)))._tag, "AgentBroken")
      assert.strictEqual(tries, 1)
    }).pipe(Effect.provide(layer({ script: () => ScriptedAgent.texts(["Hi"]), overrides })))
  })

  it.live("after defects of the store, answers are still stored in pieces and their leases extended", () => {
    const lines: Array<string> = []
    const failing = new Set(["append", "renew"])
    const appended: Array<string> = []
    const renewed: Array<string> = []
    const overrides = (store: Store): Partial<Store> => ({
      append: (piece) =>
        Effect.suspend(() => {
          if (failing.delete("append")) return Effect.die(new Error("the first piece"))
          appended.push(piece.answerId)
          return store.append(piece)
        }),
      renew: (answerIds) =>
        Effect.suspend(() => {
          if (failing.delete("renew")) return Effect.die(new Error("the first leases"))
          renewed.push(...answerIds)
          return store.renew(answerIds)
        })
    })
    return Effect.gen(function* () {
      const { answers } = yield* Running
      const keys = [yield* newKey, yield* newKey]
      const ids = (yield* Effect.forEach(keys, (key) => begin(key))).map(({ answerId }) => answerId)
      yield* until("pieces of all answers are stored", () => ids.every((id) => appended.includes(id)))
      yield* until("the leases of all answers are extended", () => ids.every((id) => renewed.includes(id)))
      for (const key of keys) assert.isTrue(yield* answers.end(key, "stopped"))
      assert.lengthOf(lines, 2)
      assert.match(lines[0] ?? "", /level=WARN.*events of answers could not be stored; retrying.*the first piece/s)
      assert.match(lines[1] ?? "", /level=WARN.*leases of answers could not be extended; retrying.*the first leases/s)
    }).pipe(
      Effect.provide(
        layer({ script: () => endless(), overrides }).pipe(
          Layer.provide(Logger.layer([Logger.map(Logger.formatSimple, (line) => void lines.push(line))]))
        )
      )
    )
  })

  it.live("a process ends although the store does not answer", () => {
    let isReleased = false
    const overrides = (): Partial<Store> => ({ complete: () => Effect.never })
    return Effect.gen(function* () {
      const scope = yield* Scope.make()
      const services = yield* Layer.buildWithScope(layer({ script: () => endless(), overrides, grace: 50 }), scope)
      yield* Effect.gen(function* () {
        yield* begin(yield* newKey, {
          onEnd: () => {
            isReleased = true
          }
        })
        yield* Running.use(({ drain }) => drain.start)
      }).pipe(Effect.provide(services))
      yield* Scope.close(scope, Exit.void)
      assert.isTrue(isReleased)
    })
  })
})
