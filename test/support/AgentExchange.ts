/**
 * The production layer of `AgentStream`, and its exchanges with an upstream whose responses a test chooses.
 */
import { NodeHttpClient } from "@effect/platform-node"
import { Clock, Effect, type Fiber, Layer, Option, Redacted, Result, Stream } from "effect"
import { TestClock } from "effect/testing"
import { AgentStream } from "../../src/chat/AgentStream.ts"
import type { AgentEvent } from "../../src/chat/agent/Agent.ts"
import * as AgentClient from "../../src/chat/agent/AgentClient.ts"
import type { Instance } from "../../src/chat/Instance.ts"
import * as NameServer from "./NameServer.ts"
import { type Respond, sse, start } from "./TestUpstream.ts"

/** A secret in an upstream's response that must not be passed on. */
export const secret = "sk-upstream-secret"

export const done = "data: [DONE]\n\n"

/** Decrypts the stored keys of instances. */
export const secretsKey = new Uint8Array(32).fill(7)

export const makeLayer = (options: Pick<AgentClient.Options, "budget"> = {}) =>
  AgentClient.layer({
    ...options,
    timeout: "60 seconds",
    secretsKey: Option.some(Redacted.make(secretsKey)),
    // Every name resolves to an address of a private network.
    names: NameServer.always(["10.0.0.1"]),
    keyOf: (variable) =>
      Effect.succeed(variable === "AGENT_KEY" ? Option.some(Redacted.make("the-key")) : Option.none())
  }).pipe(Layer.provideMerge(NodeHttpClient.layerDispatcher))

export const layer = makeLayer()

/** Sends a request and appends each event to `events`. */
export const ask = Effect.fnUntraced(function* (instance: Instance, events: Array<AgentEvent> = [], message = "Hi") {
  const agent = yield* AgentStream
  const result = yield* agent
    .stream({ instance, session: "conversation", messages: [{ role: "user", text: message }] })
    .pipe(
      Stream.runForEach((event) => Effect.sync(() => events.push(event))),
      Effect.result
    )
  return { events, result }
})

/** Sends one request to an upstream that responds with `respond`. Returns the events, the result and the upstream. */
export const exchange = Effect.fnUntraced(function* (respond: Respond, rest: Partial<Instance> = {}, path = "") {
  const upstream = yield* start(respond)
  const answer = yield* ask({ ...upstream.instance, agent_url: upstream.url + path, ...rest })
  return { ...answer, upstream }
})

/** An upstream that responds 200 with these bytes as a stream. */
export const streams =
  (...parts: ReadonlyArray<string | Uint8Array>): Respond =>
  (_, response) => {
    response.writeHead(200, sse)
    for (const part of parts) response.write(part)
    response.end()
  }

export const textOf = (events: ReadonlyArray<AgentEvent>): string =>
  events.map((event) => (event._tag === "Text" ? event.delta : "")).join("")

export const failure = (result: Result.Result<unknown, { readonly _tag: string; readonly reason?: string }>) =>
  Result.isFailure(result)
    ? { tag: result.failure._tag, reason: result.failure.reason ?? "" }
    : { tag: "none", reason: "" }

/** Waits for one turn of the event loop. */
const turn = Effect.promise(() => new Promise<void>((resolve) => setImmediate(resolve)))

/** Advances the test clock until the fiber ends. Returns the elapsed time in milliseconds. */
export const advanceUntilEnd = Effect.fnUntraced(function* (fiber: Fiber.Fiber<unknown, unknown>) {
  const before = yield* Clock.currentTimeMillis
  while (fiber.pollUnsafe() === undefined) {
    yield* TestClock.adjust("250 millis")
    for (let times = 0; times < 5; times++) yield* turn
  }
  return (yield* Clock.currentTimeMillis) - before
})
