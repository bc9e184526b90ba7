/**
 * Failures of the chat: their messages, and retries.
 */
import { assert, describe } from "@effect/vitest"
import { Effect, Option } from "effect"
import type { Route } from "playwright-core"
import * as ChatStream from "../../src/chat/ChatStream.ts"
import * as RateLimit from "../../src/platform/limits/RateLimit.ts"
import { inChromium } from "../support/browser/Browser.ts"
import * as ChatPage from "../support/browser/ChatPage.ts"
import type { Fault, Received } from "../support/browser/Network.ts"
import { layer as testServer } from "../support/TestServer.ts"
import { until } from "../support/Wait.ts"

const dialect = ChatStream.uiMessageStream({ messageId: "m", conversationId: "c", memory: false })

const agent = ChatPage.agent()

const answer = (status: number, headers: Record<string, string> = {}, body = ""): Fault => ({
  _tag: "Answer",
  status,
  headers: { "access-control-expose-headers": "Retry-After", ...headers },
  body
})

const invalid = (...loc: ReadonlyArray<string>): Fault =>
  answer(422, {}, JSON.stringify({ detail: [{ loc, msg: "Invalid", type: "value_error" }] }))

/** Every message gets this fault. */
const always =
  (path: string, fault: Fault) =>
  (received: Received): Fault | undefined =>
    received.method === "POST" && received.path === path ? fault : undefined

const never = () => undefined

const retry = /^Try again/

inChromium("a failed chat", testServer({}, agent.script), (it) => {
  describe("shows and announces a message, and offers a retry if that can help,", () => {
    interface Case {
      readonly fault: Fault
      readonly says: RegExp
    }

    const permanent: Readonly<Record<string, Case>> = {
      "401": { fault: answer(401), says: /chat is not available/ },
      "403": { fault: answer(403), says: /chat is not available/ },
      "404": { fault: answer(404), says: /chat is not available/ },
      "413": { fault: answer(413), says: /was not accepted/ },
      "a message that is too long": { fault: invalid("body", "message"), says: /Please shorten it/ },
      "an invalid instance": { fault: invalid("path", "instance_id"), says: /chat is not available/ },
      "a conversation that is full": { fault: invalid("body", "conversation_id"), says: /Please start a new one/ }
    }

    const transient: Readonly<Record<string, Case>> = {
      "429": { fault: answer(429), says: /Too many messages/ },
      "500": { fault: answer(500), says: /Something went wrong/ },
      "502": { fault: answer(502), says: /assistant is not available/ },
      "503": { fault: answer(503), says: /assistant is not available/ },
      "504": { fault: answer(504), says: /did not answer in time/ },
      "no stream": { fault: answer(200, { "content-type": "text/html" }, "<p>Log in"), says: /Something went wrong/ },
      "no connection to the edge": { fault: { _tag: "Cut" }, says: /may not have arrived/ },
      "a stream without an end": {
        fault: answer(
          200,
          { "content-type": "text/event-stream" },
          (dialect.start?.() ?? "") + dialect.textDelta("m", "Half ")
        ),
        says: /was interrupted/
      },
      "an endless event": {
        fault: answer(200, { "content-type": "text/event-stream" }, `data: ${"x".repeat(1_100_000)}`),
        says: /was interrupted/
      }
    }

    /** For each fault, sends a message in a new conversation of the same page, and then runs `after` without the fault. */
    const forEach = Effect.fnUntraced(function* (
      cases: Readonly<Record<string, Case>>,
      after: (chat: Effect.Success<ReturnType<typeof ChatPage.make>>, name: string, says: RegExp) => Effect.Effect<void>
    ) {
      const chat = yield* ChatPage.make()
      const { begin, errors, fails, path, relay, renew, send, spoken } = chat
      yield* begin
      for (const [name, { fault, says }] of Object.entries(cases)) {
        relay.fault = always(path, fault)
        yield* send("hello")
        yield* fails(says)
        relay.fault = never
        yield* until(`${name} is spoken`, async () => says.test((await spoken()).at(-1) ?? ""))
        yield* after(chat, name, says)
        yield* renew
        assert.deepStrictEqual(errors, [], name)
      }
    })

    it.effect("for a permanent failure", () =>
      forEach(
        permanent,
        Effect.fnUntraced(function* ({ answered, countOf, on, send }, name) {
          assert.strictEqual(yield* on(() => countOf(retry)), 0, name)
          // The next message can succeed.
          yield* send("once more")
          yield* answered("You said once more.")
        })
      )
    )

    it.effect("for a transient failure", () =>
      forEach(
        transient,
        Effect.fnUntraced(function* ({ answered, count, on, press }, name) {
          yield* press(retry)
          yield* answered("You said hello.")
          assert.strictEqual(yield* on(() => count(".error")), 0, name)
        })
      )
    )

    it.effect("for an unknown token", () =>
      Effect.gen(function* () {
        const { begin, countOf, on, sees, send } = yield* ChatPage.make({ token: "hcw_wrong" })
        yield* begin
        yield* send("hello")
        yield* sees(/chat is not available/)
        assert.strictEqual(yield* on(() => countOf(retry)), 0)
      })
    )

    it.effect("for an agent that refuses, times out, or breaks off", () =>
      Effect.gen(function* () {
        const { answers, begin, on, press, sees, send } = yield* ChatPage.make()
        yield* begin
        yield* send("refuse:")
        yield* sees(/assistant is not available/)
        yield* send("late:")
        yield* sees(/did not answer in time/)
        yield* send("break: Half of")
        // The edge's own message.
        yield* sees(ChatStream.sentences["agent-broken"])
        assert.strictEqual((yield* on(answers)).at(-1), "Half of")
        yield* press(retry)
        yield* until(
          "the second try",
          () => agent.state.requests.filter(({ message }) => message === "break: Half of").length === 2
        )
        const [first, second] = agent.state.requests.slice(-2)
        assert.strictEqual(first?.session, second?.session)
      })
    )
  })

  it.effect("offers a retry of the last message only", () =>
    Effect.gen(function* () {
      const { answered, begin, countOf, on, sees, send } = yield* ChatPage.make()
      yield* begin
      yield* send("refuse:")
      yield* sees(/assistant is not available/)
      assert.strictEqual(yield* on(() => countOf(retry)), 1)
      yield* send("cancel my order")
      yield* answered("You said cancel my order.")
      // An older retry button would resend the newest message and remove its answer.
      assert.strictEqual(yield* on(() => countOf(retry)), 0)
    })
  )

  it.effect("delays a retry by Retry-After", () =>
    Effect.gen(function* () {
      const { answered, begin, on, page, path, relay, sees, send } = yield* ChatPage.make()
      relay.fault = always(path, answer(429, { "retry-after": "30" }))
      yield* on(() => page.clock.install())
      yield* begin
      yield* send("hello")
      yield* sees(/many messages/)
      relay.fault = never
      const button = page.getByRole("button", { name: retry })
      assert.match((yield* on(() => button.textContent())) ?? "", /^Try again in (30|2\d) s$/)
      assert.strictEqual(yield* on(() => button.getAttribute("aria-disabled")), "true")
      const sent = relay.of(path).length
      yield* on(() => button.click({ force: true }))
      assert.strictEqual(relay.of(path).length, sent)
      yield* on(() => page.clock.fastForward(10_000))
      yield* until("the countdown", async () => /^Try again in (20|1?\d) s$/.test((await button.textContent()) ?? ""))
      yield* on(() => page.clock.fastForward(21_000))
      yield* until("the button", async () => (await button.textContent()) === "Try again")
      assert.strictEqual(yield* on(() => button.getAttribute("aria-disabled")), "false")
      yield* on(() => button.click())
      yield* answered("You said hello.")
    })
  )

  it.effect("ends a stalled stream", () =>
    Effect.gen(function* () {
      const { begin, on, page, sees, send, answering, offers } = yield* ChatPage.make()
      yield* on(() => page.clock.install())
      yield* begin
      yield* send("begin: so far")
      yield* answering("so fa")
      const answer = ChatPage.newest(agent.state)
      yield* on(() => page.clock.fastForward(30_000))
      yield* offers("Stop answer")
      // Each text restarts the timeout, and the last may have arrived after the first jump of the clock.
      yield* on(() => page.clock.fastForward(46_000))
      yield* sees("The answer was interrupted. Please try again.")
      yield* until("the agent's end", () => !answer.isOngoing())
    })
  )

  it.effect("reports that the visitor is offline, and sends the message when the device is back online", () =>
    Effect.gen(function* () {
      const { answered, begin, context, on, relay, path, sees, send, count } = yield* ChatPage.make()
      yield* begin
      yield* send("first")
      yield* answered("You said first.")
      yield* on(() => context.setOffline(true))
      yield* send("hello")
      yield* sees("You are offline. Your message will be sent when you are back online.")
      assert.strictEqual(relay.of(path).length, 1)
      yield* on(() => context.setOffline(false))
      yield* answered("You said hello.")
      assert.strictEqual(yield* on(() => count(".error")), 0)
      assert.strictEqual(relay.of(path).length, 2)
    })
  )

  it.effect("sends the message if the device is back online before the request fails", () =>
    Effect.gen(function* () {
      const { answered, begin, on, page, path, relay, send } = yield* ChatPage.make()
      yield* begin
      yield* send("first")
      yield* answered("You said first.")
      const opened = Promise.withResolvers<Route>()
      yield* on(() => page.route(({ pathname }) => pathname === path, opened.resolve, { times: 1 }))
      yield* send("hello")
      const request = yield* Effect.promise(() => opened.promise)
      yield* on(() => page.evaluate('dispatchEvent(new Event("offline"))'))
      yield* on(() => request.abort("internetdisconnected"))
      yield* answered("You said hello.")
      assert.strictEqual(relay.of(path).length, 2)
    })
  )

  it.effect("sends the message on the next page if the device is back online by then", () =>
    Effect.gen(function* () {
      const { answered, begin, context, on, open, page, path, relay, sees, send, site } = yield* ChatPage.make()
      yield* begin
      yield* on(() => context.setOffline(true))
      yield* send("hello")
      yield* sees("You are offline. Your message will be sent when you are back online.")
      yield* on(() => page.goto("about:blank"))
      yield* on(() => context.setOffline(false))
      yield* open(`${site.url}/other`)
      yield* answered("You said hello.")
      assert.strictEqual(relay.of(path).length, 1)
    })
  )
})

const onePerMinute = RateLimit.parse("chat", "1/minute")

inChromium("a rate-limited chat", testServer({ rateLimitChat: onePerMinute }, agent.script), (it) => {
  it.effect("can read the edge's Retry-After", () =>
    Effect.gen(function* () {
      assert.isTrue(Option.isSome(onePerMinute))
      const { answered, begin, offers, sees, send } = yield* ChatPage.make()
      yield* begin
      yield* send("one")
      yield* answered("You said one.")
      yield* send("two")
      yield* sees(/many messages/)
      yield* offers(/^Try again in [1-6]?[0-9] s$/)
    })
  )
})
