/**
 * `@microsoft/fetch-event-source`, as the chat guide uses it. It needs parts of a page, which the test provides. Imports nothing of
 * `src`.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { assert, type Vitest } from "@effect/vitest"
import { fetchEventSource } from "@microsoft/fetch-event-source"
import { Effect, Layer } from "effect"
import { until } from "../../support/Wait.ts"
import { Chat, type Instance } from "./Chat.ts"

/** What the client uses of a page: its timers, and the events of its visibility. */
const page = Layer.effectDiscard(
  Effect.acquireRelease(
    Effect.sync(() => Object.assign(globalThis, { window: globalThis, document: new EventTarget() })),
    (global) =>
      Effect.sync(() => {
        Reflect.deleteProperty(global, "window")
        Reflect.deleteProperty(global, "document")
      })
  )
)

interface Frame {
  readonly type: string
  readonly delta?: string
  readonly errorText?: string
}

/** A client of a visitor that counts its requests. */
const newClient = (options: { readonly instance?: Instance; readonly widgetToken?: string } = {}) =>
  Effect.map(Chat, ({ instance: common, newVisitor }) => {
    const { instance = common, widgetToken = instance.widgetToken } = options
    const visitor = newVisitor()
    const client = {
      requests: 0,
      frames: [] as Array<Frame>,
      ask: (message: string, conversation_id: string, signal?: AbortSignal) => {
        client.frames = []
        return fetchEventSource(`${instance.url}/chat`, {
          method: "POST",
          openWhenHidden: true,
          headers: { "Content-Type": "application/json", "X-Widget-Token": widgetToken, ...visitor },
          body: JSON.stringify({ message, conversation_id }),
          ...(signal === undefined ? {} : { signal }),
          fetch: (...request) => {
            client.requests++
            return fetch(...request)
          },
          onmessage: ({ data }) => {
            if (data !== "[DONE]") client.frames.push(JSON.parse(data))
          },
          onerror: (error) => {
            throw error
          }
        })
      }
    }
    return client
  })

const textOf = (frames: ReadonlyArray<Frame>) => frames.map(({ delta = "" }) => delta).join("")

export const tests = (all: Vitest.MethodsNonLive<Chat>) =>
  all.layer(page)((it) => {
    it.effect("reads each frame once and posts each message once, also in a second turn", () =>
      Effect.gen(function* () {
        const { agent, newInstance } = yield* Chat
        const client = yield* newClient({ instance: yield* newInstance("--memory", "agent") })
        const conversation = randomUUID()
        for (const [index, message] of ["hello there", "again"].entries()) {
          yield* Effect.promise(() => client.ask(message, conversation))
          assert.strictEqual(textOf(client.frames).replace(/^hm/, ""), `You said ${message}`)
          assert.deepStrictEqual([client.frames[0]?.type, client.frames.at(-1)?.type], ["start", "finish"])
          assert.strictEqual(client.requests, index + 1)
          assert.deepStrictEqual(agent.newest(), [message])
        }
      })
    )

    it.effect("an answer that breaks off ends with an error, and the message is not sent again", () =>
      Effect.gen(function* () {
        const client = yield* newClient()
        yield* Effect.promise(() => client.ask("break", randomUUID()))
        const error = client.frames.find(({ type }) => type === "error")
        assert.strictEqual(error?.errorText, "The answer was interrupted. Please try again.")
        assert.strictEqual(client.requests, 1)
      })
    )

    it.effect("fails if the token is refused, and does not send the message again", () =>
      Effect.gen(function* () {
        const client = yield* newClient({ widgetToken: "hwt_wrong" })
        const error = yield* Effect.flip(Effect.tryPromise(() => client.ask("hello", randomUUID())))
        assert.include(String(error.cause), "application/json")
        assert.deepStrictEqual([client.requests, client.frames], [1, []])
      })
    )

    it.effect("an abort ends the agent's answer if the conversation has no memory", () =>
      Effect.gen(function* () {
        const { agent, newInstance } = yield* Chat
        const client = yield* newClient({ instance: yield* newInstance("--memory", "agent") })
        const abort = new AbortController()
        const asked = client.ask("wait for the abort", randomUUID(), abort.signal)
        yield* until("the first text", () => textOf(client.frames) === "begun")
        abort.abort()
        yield* Effect.promise(() => asked)
        yield* until("the agent's end", () => !agent.isRead("wait for the abort"))
      })
    )
  })
