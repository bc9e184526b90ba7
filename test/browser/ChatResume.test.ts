/**
 * Answers that the edge keeps: they continue after a reload, on the next page and after a lost connection.
 */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { inChromium } from "../support/browser/Browser.ts"
import * as ChatPage from "../support/browser/ChatPage.ts"
import { layer as testServer } from "../support/TestServer.ts"
import { until } from "../support/Wait.ts"

const agent = ChatPage.agent()

const edgeKeepsConversations = testServer({}, agent.script, undefined, undefined, "edge")

/** Closes the gate: the answer to the message `wait: first|second` stops at the bar until the test opens the gate. */
const closeGate = Effect.sync(() => {
  agent.state.gate = Promise.withResolvers()
})

const openGate = Effect.sync(() => agent.state.gate.resolve())

const make = Effect.fnUntraced(function* (options: ChatPage.Options = {}) {
  yield* closeGate
  const chat = yield* ChatPage.make(options)
  return {
    ...chat,
    streams: () => chat.relay.received.filter(({ method, path }) => method === "GET" && path.endsWith("/stream")),
    stops: () => chat.relay.received.filter(({ method, path }) => method === "POST" && path.endsWith("/stop")),
    noError: Effect.map(
      chat.on(() => chat.count(".error")),
      (count) => assert.strictEqual(count, 0)
    )
  }
})

inChromium("an answer that the edge keeps", edgeKeepsConversations, (it) => {
  it.effect("continues after a reload, and is requested once", () =>
    Effect.gen(function* () {
      const { answered, answering, begin, errors, noError, on, page, send, streams, offers } = yield* make()
      yield* begin
      yield* send("wait: The first half, |and the second.")
      yield* answering("The first half")
      const before = agent.state.requests.length
      yield* on(() => page.reload())
      yield* answering("The first half")
      yield* offers("Stop answer")
      yield* noError
      yield* openGate
      yield* answered("The first half, and the second.")
      assert.strictEqual(agent.state.requests.length, before)
      assert.strictEqual(streams().length, 1)
      // Nothing is running any more.
      yield* on(() => page.reload())
      yield* answered("The first half, and the second.")
      assert.strictEqual(streams().length, 1)
      yield* noError
      assert.deepStrictEqual(errors, [])
    })
  )

  it.effect("that ended while the visitor was away is shown whole", () =>
    Effect.gen(function* () {
      const { answered, answering, begin, noError, on, open, page, send, site, offers } = yield* make()
      yield* begin
      yield* send("wait: The first half, |and the second.")
      yield* answering("The first half")
      const answer = ChatPage.newest(agent.state)
      yield* on(() => page.goto("about:blank"))
      yield* openGate
      yield* until("the end", () => !answer.isOngoing())
      yield* open(`${site.url}/other`)
      yield* answered("The first half, and the second.")
      yield* noError
      yield* offers("Send message")
    })
  )

  it.effect("that failed while the visitor was away is requested once", () =>
    Effect.gen(function* () {
      const { answering, begin, on, open, page, sees, send, site, streams } = yield* make()
      yield* begin
      yield* send("fail: The first half,")
      yield* answering("The first half")
      const answer = ChatPage.newest(agent.state)
      yield* on(() => page.goto("about:blank"))
      yield* openGate
      yield* until("the end", () => !answer.isOngoing())
      yield* open(`${site.url}/other`)
      yield* sees("The answer was interrupted. Please try again.")
      assert.strictEqual(streams().length, 1)
    })
  )

  it.effect("marks the launcher on the next page, on a phone", () =>
    Effect.gen(function* () {
      const { answering, begin, open, send, site, offers } = yield* make({ viewport: { width: 360, height: 640 } })
      yield* begin
      yield* send("wait: The first half, |and the second.")
      yield* answering("The first half")
      yield* open(`${site.url}/other`)
      yield* openGate
      yield* offers("Open chat: Chat. New answer.")
    })
  )

  it.effect("continues after its connection is lost", () =>
    Effect.gen(function* () {
      const { answered, answering, begin, context, noError, on, send, spoken, streams } = yield* make()
      yield* begin
      yield* send("wait: The first half. |And the second.")
      yield* answering("The first half.")
      yield* on(() => context.setOffline(true))
      yield* on(() => context.setOffline(false))
      yield* openGate
      yield* answered("The first half. And the second.")
      yield* noError
      assert.isAtMost(streams().length, 2)
      // Nothing is announced twice.
      const announced = yield* on(spoken)
      assert.deepStrictEqual(announced.slice(1), ["The first half.", "And the second."])
    })
  )

  it.effect("is requested again if the page was left before the edge had accepted the message", () =>
    Effect.gen(function* () {
      const { answered, begin, noError, on, page, path, relay, send } = yield* make()
      yield* begin
      let isHeld = true
      relay.fault = ({ method, path: requested }) =>
        isHeld && method === "POST" && requested === path ? { _tag: "Hold", until: new Promise(() => {}) } : undefined
      yield* send("hello")
      yield* until("the request", () => relay.of(path).length === 1)
      isHeld = false
      yield* on(() => page.reload())
      yield* answered("You said hello.")
      yield* noError
    })
  )

  it.effect("is requested with the earlier messages", () =>
    Effect.gen(function* () {
      const { answered, begin, send } = yield* make()
      yield* begin
      yield* send("one")
      yield* answered("You said one.")
      yield* send("two")
      yield* answered("You said two.")
      assert.deepStrictEqual(
        agent.state.requests.at(-1)?.messages.map(({ text }) => text),
        ["one", "You said one.", "two"]
      )
    })
  )

  it.effect("ends at the edge when the visitor stops it or starts a new conversation", () =>
    Effect.gen(function* () {
      const { answered, answering, begin, on, page, send, sees, stops, press } = yield* make()
      yield* begin
      yield* send("begin: so far")
      yield* answering("so fa")
      const first = ChatPage.newest(agent.state)
      yield* press("Stop answer")
      yield* sees("You stopped this answer.")
      yield* until("the agent's end", () => !first.isOngoing())
      assert.strictEqual(stops().length, 1)
      yield* on(() => page.reload())
      yield* sees("You stopped this answer.")
      yield* answered("so far")
      yield* send("begin: and on")
      yield* answering("and o")
      const second = ChatPage.newest(agent.state)
      yield* press("New conversation")
      yield* until("the agent's end", () => !second.isOngoing())
      assert.strictEqual(stops().length, 2)
    })
  )

  it.effect("can be rated", () =>
    Effect.gen(function* () {
      const { answered, begin, edge, offers, on, page, path, pressed, press, relay, send, spoken } = yield* make()
      yield* begin
      yield* send("hello")
      yield* answered("You said hello.")
      yield* press("Good answer")
      yield* until("the thanks", async () => (await spoken()).at(-1) === "Thank you for your feedback.")
      yield* press("Bad answer")
      const sent = () => relay.received.filter(({ method, path }) => method === "POST" && path.endsWith("/feedback"))
      yield* until("both ratings", () => sent().length === 2)
      const feedback = JSON.parse(sent()[0]!.body) as { message_id: string }
      const conversation = /chat\/([^/]+)\/feedback/.exec(sent()[0]!.path)![1]!
      const stored = yield* Effect.promise(async () => {
        const response = await fetch(`${edge.url}${path}/${conversation}`, {
          headers: { "x-widget-token": edge.widgetToken }
        })
        return (await response.json()) as { messages: ReadonlyArray<{ id: string; metadata: { rating?: string } }> }
      })
      assert.strictEqual(stored.messages.find((one) => one.id === feedback.message_id)?.metadata.rating, "down")
      // The rating is still shown after a reload.
      yield* until("the second rating", () =>
        page.evaluate<boolean>(`Object.values(sessionStorage).some((json) => json.includes('"rating":"down"'))`)
      )
      yield* on(() => page.reload())
      yield* offers("Bad answer")
      assert.deepStrictEqual(yield* on(pressed), ["Bad answer"])
    })
  )

  it.effect("shows no rating that was not stored", () =>
    Effect.gen(function* () {
      const { answered, begin, offers, on, page, press, pressed, relay, send, spoken } = yield* make()
      yield* begin
      yield* send("hello")
      yield* answered("You said hello.")
      yield* press("Good answer")
      yield* until("the thanks", async () => (await spoken()).at(-1) === "Thank you for your feedback.")
      relay.fault = ({ path }) =>
        path.endsWith("/feedback") ? { _tag: "Answer", status: 429, headers: {}, body: "" } : undefined
      yield* press("Bad answer")
      yield* until("the failure", async () => (await spoken()).at(-1) === "Something went wrong. Please try again.")
      assert.deepStrictEqual(yield* on(pressed), ["Good answer"])
      yield* on(() => page.reload())
      yield* offers("Bad answer")
      assert.deepStrictEqual(yield* on(pressed), ["Good answer"])
    })
  )
})
