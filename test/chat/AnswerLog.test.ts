import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Scheduler, Schema } from "effect"
import { AnswerLog } from "../../src/chat/AnswerLog.ts"
import type { EventSink } from "../../src/chat/EventSource.ts"
import type { AgentEvent } from "../../src/core/chat/agent/Agent.ts"
import * as AnswerParts from "../../src/core/chat/conversation/AnswerParts.ts"
import { Event } from "../support/Conversations.ts"
import { collect } from "../support/EventSources.ts"

const text = (delta: string): AgentEvent => ({ _tag: "Text", delta })

/** A sink that holds its events until `take`. */
const makeSink = () => {
  const received: Array<AgentEvent> = []
  let callback: (() => void) | undefined
  const sink = {
    isOver: false,
    isEmpty: true,
    whenEmpty: (onEmpty: () => void) => {
      callback = onEmpty
    },
    push: (events: Iterable<AgentEvent>) => {
      assert.isTrue(sink.isEmpty)
      received.push(...events)
      sink.isEmpty = false
    }
  }
  const take = () => {
    sink.isEmpty = true
    const onEmpty = callback
    callback = undefined
    onEmpty?.()
  }
  return { received, sink, take }
}

const read = (log: AnswerLog, sink: EventSink) =>
  Effect.forkChild(
    Effect.scopedWith((scope) => log.read(sink, scope)),
    { startImmediately: true }
  )

/** Events that are pushed to the log together, and whether the reader takes them afterwards. */
const Steps = Schema.Array(
  Schema.Struct({ events: Schema.Array(Event).check(Schema.isMaxLength(3)), isTaken: Schema.Boolean })
).check(Schema.isMaxLength(10))

describe("chat/AnswerLog", () => {
  it.effect.prop(
    "readers of any speed get the same answer, and no further events before they take the earlier ones",
    [Steps],
    ([steps]) =>
      Effect.gen(function* () {
        const log = new AnswerLog(() => {})
        const slow = makeSink()
        const reading = yield* read(log, slow.sink)
        for (const { events, isTaken } of steps) {
          log.push(events)
          if (isTaken) slow.take()
        }
        log.end(Exit.void)
        const late = yield* collect(log.read)
        slow.take()
        yield* Fiber.join(reading)
        const parts = AnswerParts.fromEvents(steps.flatMap(({ events }) => events))
        assert.deepStrictEqual(AnswerParts.fromEvents(slow.received), parts)
        assert.deepStrictEqual(AnswerParts.fromEvents(late), parts)
      })
  )

  it.effect("a reader that fails, is interrupted or has finished does not affect the others", () =>
    Effect.gen(function* () {
      const readerCounts: Array<number> = []
      const log = new AnswerLog((readers) => readerCounts.push(readers))
      const failing = makeSink()
      const interrupted = makeSink()
      const finished = makeSink()
      const remaining = makeSink()
      const readings = yield* Effect.forEach(
        [
          {
            ...failing.sink,
            push: () => {
              throw new Error("a fault of the sink")
            }
          },
          interrupted.sink,
          finished.sink,
          remaining.sink
        ],
        (sink) => read(log, sink)
      )
      finished.sink.isOver = true
      yield* Fiber.interrupt(readings[1]!)
      log.push([text("a")])
      assert.isTrue(Exit.hasDies(yield* Fiber.await(readings[0]!)))
      assert.isTrue(Exit.isSuccess(yield* Fiber.await(readings[2]!)))
      assert.deepStrictEqual([interrupted.received, finished.received, remaining.received], [[], [], [text("a")]])
      assert.deepStrictEqual(readerCounts, [1, 2, 3, 4, 3, 2, 1])
      log.endWith("failed", "the reason")
      remaining.take()
      const exit = yield* Fiber.await(readings[3]!)
      assert.isTrue(Exit.isFailure(exit))
    })
  )

  it.effect("a reader that is interrupted between any two steps is no longer counted", () =>
    Effect.gen(function* () {
      for (let steps = 4; steps < 16; steps++) {
        for (let turns = 0; turns < 4; turns++) {
          let count = 0
          const log = new AnswerLog((readers) => {
            count = readers
          })
          const reading = yield* Effect.forkChild(
            Effect.scopedWith((scope) => log.read(makeSink().sink, scope)).pipe(
              Effect.provideService(Scheduler.MaxOpsBeforeYield, steps)
            ),
            { startImmediately: true }
          )
          for (let turn = 0; turn < turns; turn++) yield* Effect.yieldNow
          yield* Fiber.interrupt(reading)
          assert.strictEqual(count, 0, `${steps} steps, ${turns} turns`)
        }
      }
    })
  )
})
