import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Logger, Queue, Result, Scope, Stream } from "effect"
import type { HttpServerResponse } from "effect/http"
import { TestClock } from "effect/testing"
import { AgentBroken, AgentRefused, AgentTimeout } from "../../src/chat/AgentStream.ts"
import * as ChatStream from "../../src/chat/ChatStream.ts"
import { doneEvent } from "../../src/chat/ChatStream.ts"
import { type Agent, accepted, driven, respond, stop, text, wire } from "../support/ChatScript.ts"
import { until } from "../support/Wait.ts"

const bodyOf = (response: HttpServerResponse.HttpServerResponse): Stream.Stream<Uint8Array, unknown> =>
  response.body._tag === "Stream" ? response.body.stream : Stream.die("the body is not a stream")

/** An answer whose chunks are recorded as they are sent. */
const answer = Effect.fnUntraced(function* (...args: Parameters<typeof respond>) {
  const response = yield* respond(...args)
  const chunks: Array<string> = []
  const fiber = yield* bodyOf(response).pipe(
    Stream.runForEach((chunk) => Effect.sync(() => chunks.push(Buffer.from(chunk).toString("utf8")))),
    Effect.orDie,
    Effect.forkChild({ startImmediately: true })
  )
  return { response, chunks, sent: Effect.map(Fiber.join(fiber), () => chunks.join("")) }
})

/** Runs an effect, and returns its value and its log. */
const logged = Effect.fnUntraced(function* <A, E, R>(self: Effect.Effect<A, E, R>) {
  const lines: Array<string> = []
  const logger = Logger.map(Logger.formatJson, (line) => void lines.push(line))
  const value = yield* Effect.provide(self, Logger.layer([logger]))
  return { value, log: lines.join("\n") }
})

describe("ChatResponse", () => {
  it.effect("an answer has the headers of a UI message stream and every frame", () =>
    Effect.gen(function* () {
      const { response, sent } = yield* answer(Stream.make(accepted, text("Hel"), text("lo"), stop))
      assert.strictEqual(response.status, 200)
      assert.strictEqual(response.headers["cache-control"], "no-cache, no-transform")
      assert.strictEqual(response.headers["x-accel-buffering"], "no")
      assert.strictEqual(response.headers["x-vercel-ai-ui-message-stream"], "v1")
      assert.strictEqual(response.body._tag === "Stream" ? response.body.contentType : "", "text/event-stream")
      assert.strictEqual(yield* sent, wire(accepted, text("Hel"), text("lo"), stop))
    })
  )

  it.effect("the start is sent before the agent sends any text", () =>
    Effect.gen(function* () {
      const { agent, queue } = yield* driven
      yield* Queue.offer(queue, accepted)
      const { chunks } = yield* answer(agent)
      yield* until("the start is sent", () => chunks.length === 1)
      assert.deepStrictEqual(chunks, [wire(accepted)])
    })
  )

  it.effect("text that the agent sends together is passed on together", () =>
    Effect.gen(function* () {
      const { agent, queue } = yield* driven
      yield* Queue.offer(queue, accepted)
      const { chunks, sent } = yield* answer(agent)
      yield* until("the start is sent", () => chunks.length === 1)
      yield* Queue.offerAll(queue, [text("a"), text("b"), text("c"), stop])
      yield* sent
      assert.lengthOf(chunks, 2)
    })
  )

  it.effect("a failure before the agent accepts is an error for the caller, and its reason is logged", () =>
    Effect.gen(function* () {
      for (const [error, tag] of [
        [new AgentRefused({ reason: "a reason for the log" }), "AgentRefused"],
        [new AgentTimeout(), "AgentTimeout"],
        [new AgentBroken({ reason: "a reason for the log" }), "AgentRefused"]
      ] as const) {
        const { log, value } = yield* logged(Effect.result(respond(Stream.fail(error))))
        assert.isTrue(Result.isFailure(value) && value.failure._tag === tag)
        assert.include(log, error._tag === "AgentTimeout" ? "AgentTimeout" : "a reason for the log")
        assert.include(log, '"instanceId":"i-1"')
      }
      const empty = yield* Effect.result(respond(Stream.empty))
      assert.isTrue(Result.isFailure(empty) && empty.failure._tag === "AgentRefused")
    })
  )

  it.effect(
    "a failure after the start ends the stream with an error message; its reason is logged, but not sent to the visitor",
    () =>
      Effect.gen(function* () {
        const secret = "a reason for the log"
        const cases: ReadonlyArray<readonly [Agent, ChatStream.Failure, string]> = [
          [Stream.fail(new AgentBroken({ reason: secret })), "agent-broken", secret],
          [Stream.fail(new AgentTimeout()), "agent-timeout", "AgentTimeout"],
          [Stream.empty, "agent-broken", "without a finish"],
          [Stream.die(new Error(secret)), "internal", secret]
        ]
        for (const [end, failure, reason] of cases) {
          for (const before of [[accepted], [accepted, text("Hi")]]) {
            const agent = Stream.concat(Stream.fromArray(before), end)
            const { log, value } = yield* logged(Effect.flatMap(answer(agent), ({ sent }) => sent))
            assert.strictEqual(value, wire(...before, { _tag: "Failed", failure }))
            assert.include(log, reason)
            assert.include(log, '"instanceId":"i-1"')
            assert.notInclude(value, secret)
          }
        }
      })
  )

  it.effect("sends a heartbeat only after an idle interval", () =>
    Effect.gen(function* () {
      const { agent, queue } = yield* driven
      yield* Queue.offer(queue, accepted)
      const { chunks, sent } = yield* answer(agent)
      yield* until("the start is sent", () => chunks.length === 1)
      yield* TestClock.adjust("14 seconds")
      assert.lengthOf(chunks, 1)
      yield* Queue.offer(queue, text("a"))
      yield* until("the text is sent", () => chunks.length === 2)
      yield* TestClock.adjust("14 seconds")
      assert.lengthOf(chunks, 2)
      yield* TestClock.adjust("1 second")
      yield* until("the heartbeat is sent", () => chunks.length === 3)
      assert.strictEqual(chunks[2], ChatStream.comment)
      yield* TestClock.adjust("15 seconds")
      yield* until("the next heartbeat is sent", () => chunks.length === 4)
      yield* Queue.offer(queue, stop)
      assert.isTrue((yield* sent).endsWith(doneEvent))
    })
  )

  it.effect("the maximum duration ends the stream and the agent", () =>
    Effect.gen(function* () {
      const { agent, isClosed, queue } = yield* driven
      yield* Queue.offerAll(queue, [accepted, text("Hi")])
      const { sent } = yield* answer(agent, { maxDuration: "10 seconds" })
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(yield* sent, wire(accepted, text("Hi"), { _tag: "Failed", failure: "too-long" }))
      yield* until("the agent's stream is closed", isClosed)
    })
  )

  it.effect("the maximum length ends the stream and the agent", () =>
    Effect.gen(function* () {
      let isClosed = false
      const agent: Agent = Stream.concat(Stream.succeed(accepted), Stream.forever(Stream.succeed(text("abcd")))).pipe(
        Stream.ensuring(
          Effect.sync(() => {
            isClosed = true
          })
        )
      )
      const { sent } = yield* answer(agent, { maxBytes: 10 })
      assert.strictEqual(
        yield* sent,
        wire(accepted, text("abcd"), text("abcd"), { _tag: "Failed", failure: "too-much" })
      )
      yield* until("the agent's stream is closed", () => isClosed)
    })
  )

  it.effect("a message that arrives after the grace period is refused", () =>
    Effect.gen(function* () {
      const refused = yield* Effect.flip(respond(Stream.make(accepted, stop), {}, Effect.void))
      assert.deepInclude(refused, { _tag: "AgentRefused", reason: "the service is shutting down" })
    })
  )

  it.effect(
    "when the grace period is over, the stream ends with an error message, and a message not accepted yet is refused",
    () =>
      Effect.gen(function* () {
        const graceExpired = yield* Deferred.make<void>()
        const { agent, isClosed, queue } = yield* driven
        yield* Queue.offerAll(queue, [accepted, text("Hi")])
        const { sent } = yield* answer(agent, {}, Deferred.await(graceExpired))
        const waiting = yield* respond(Stream.never, {}, Deferred.await(graceExpired)).pipe(
          Effect.result,
          Effect.forkChild({ startImmediately: true })
        )
        yield* Deferred.succeed(graceExpired, undefined)
        assert.strictEqual(yield* sent, wire(accepted, text("Hi"), { _tag: "Failed", failure: "shutting-down" }))
        yield* until("the agent's stream is closed", isClosed)
        const refused = yield* Fiber.join(waiting)
        assert.isTrue(Result.isFailure(refused) && refused.failure._tag === "AgentRefused")
      })
  )

  it.effect(
    "without a reader, at most two chunks are read ahead from the agent, and a limit still ends the stream",
    () =>
      Effect.gen(function* () {
        let pulled = 0
        let isClosed = false
        const agent: Agent = Stream.concat(
          Stream.succeed(accepted),
          Stream.fromEffectRepeat(Effect.sync(() => text(`${pulled++} `)))
        ).pipe(
          Stream.ensuring(
            Effect.sync(() => {
              isClosed = true
            })
          )
        )
        const response = yield* respond(agent, { maxDuration: "10 seconds" })
        const pull = yield* Stream.toPull(bodyOf(response))
        yield* TestClock.adjust("1 second")
        assert.strictEqual(pulled, 2)
        // The first event, and one of the agent's texts.
        yield* pull
        yield* pull
        yield* until("the next chunk is read", () => pulled > 2)
        yield* TestClock.adjust("1 second")
        assert.strictEqual(pulled, 3)
        yield* TestClock.adjust("8 seconds")
        yield* until("the agent's stream is closed", () => isClosed)
        const rest = yield* Stream.runCollect(Stream.fromPull(Effect.succeed(pull)))
        assert.isTrue(
          Buffer.concat(rest as Array<Uint8Array>)
            .toString("utf8")
            .endsWith(doneEvent)
        )
      })
  )

  it.effect(
    "when the request's scope closes, the agent's stream is interrupted and closed, and nothing is logged",
    () =>
      Effect.gen(function* () {
        const calls: Array<string> = []
        const record = (call: string) => Effect.sync(() => void calls.push(call))
        const agent: Agent = Stream.concat(
          Stream.succeed(accepted),
          Stream.fromEffectDrain(
            Effect.andThen(
              record("started"),
              Effect.onInterrupt(Effect.never, () => record("interrupted"))
            )
          )
        ).pipe(Stream.ensuring(record("closed")))
        const scope = yield* Scope.make()
        const { log } = yield* logged(
          Effect.gen(function* () {
            yield* Scope.provide(answer(agent), scope)
            yield* until("the agent has the request", () => calls.length > 0)
            yield* Scope.close(scope, Exit.interrupt())
          })
        )
        assert.deepStrictEqual(calls, ["started", "interrupted", "closed"])
        assert.strictEqual(log, "")
      })
  )
})
