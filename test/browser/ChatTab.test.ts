/**
 * The stored conversation of a tab.
 */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { inChromium } from "../support/browser/Browser.ts"
import * as ChatPage from "../support/browser/ChatPage.ts"
import { TestServer, layer as testServer } from "../support/TestServer.ts"
import { until } from "../support/Wait.ts"

const agent = ChatPage.agent()

/** Replaces `fetch` in the page: `push` and `close` send and end the answer, without a server. */
const stubbed = `{
  let controller
  const send = (frame) => controller.enqueue(new TextEncoder().encode("data: " + frame + "\\n\\n"))
  window.push = (delta) => send(JSON.stringify({ type: "text-delta", id: "t", delta }))
  window.close = () => send("[DONE]")
  window.fetch = async () =>
    new Response(new ReadableStream({ start: (it) => { controller = it } }), {
      headers: { "content-type": "text/event-stream" }
    })
}`

inChromium("a tab with a chat", testServer({}, agent.script), (it) => {
  it.effect("keeps its conversation on every page", () =>
    Effect.gen(function* () {
      const { answered, answers, begin, on, open, opened, page, send, site, type, typed } = yield* ChatPage.make()
      yield* begin
      yield* send("one")
      yield* answered("You said one.")
      yield* send("two")
      yield* answered("You said two.")
      const [first, second] = agent.state.requests.slice(-2)
      assert.strictEqual(first?.session, second?.session)
      yield* type("not sent")
      yield* open(`${site.url}/other`)
      // The panel is still open, and the focus stays in the page.
      yield* opened
      assert.strictEqual(yield* on(() => page.evaluate("document.activeElement.localName")), "body")
      assert.deepStrictEqual(yield* on(answers), ["Hello! How can I help you?", "You said one.", "You said two."])
      assert.strictEqual(yield* on(typed), "not sent")
      yield* send("three")
      yield* answered("You said three.")
      assert.strictEqual(agent.state.requests.at(-1)?.session, first?.session)
    })
  )

  it.effect("starts a new conversation on request", () =>
    Effect.gen(function* () {
      const { answered, answers, begin, on, open, send, site, spoken, answering, press } = yield* ChatPage.make()
      yield* begin
      yield* send("one")
      yield* answered("You said one.")
      const before = agent.state.requests.at(-1)?.session
      yield* send("begin: never ends")
      yield* answering("never end")
      const answer = ChatPage.newest(agent.state)
      yield* press("New conversation")
      yield* until("the agent's end", () => !answer.isOngoing())
      assert.deepStrictEqual(yield* on(answers), ["Hello! How can I help you?"])
      assert.strictEqual((yield* on(spoken)).at(-1), "New conversation started.")
      yield* send("two")
      yield* answered("You said two.")
      assert.notStrictEqual(agent.state.requests.at(-1)?.session, before)
      yield* open(site.url)
      assert.deepStrictEqual(yield* on(answers), ["Hello! How can I help you?", "You said two."])
    })
  )

  it.effect("stores an incomplete answer when its page is left, and can retry", () =>
    Effect.gen(function* () {
      const { answers, begin, on, open, send, sees, site, answering, press } = yield* ChatPage.make()
      yield* begin
      yield* send("begin: half of")
      yield* answering("half o")
      yield* open(`${site.url}/other`)
      yield* sees("The answer was interrupted. Please try again.")
      assert.strictEqual((yield* on(answers)).at(-1), "half of")
      const before = agent.state.requests.length
      yield* press("Try again")
      yield* until("the agent", () => agent.state.requests.length === before + 1)
      assert.strictEqual(agent.state.requests.at(-1)?.message, "begin: half of")
    })
  )

  it.effect("shows newer messages on a page from the back-forward cache, and keeps them", () =>
    Effect.gen(function* () {
      const { answered, answers, begin, on, opened, page, send, sees } = yield* ChatPage.make({
        hasPageCache: true,
        before: `addEventListener("pageshow", ({ persisted }) => { window.isBack = persisted })`
      })
      const go = (target: "other" | "back") =>
        Effect.andThen(
          on(async () => void (await (target === "back" ? page.goBack({ waitUntil: "commit" }) : page.click("a")))),
          until("the page", () => page.evaluate(`location.pathname === "${target === "other" ? "/other" : "/"}"`))
        )
      const expected = ["Hello! How can I help you?", "You said one.", "You said two."]
      yield* begin
      yield* send("one")
      yield* answered("You said one.")
      yield* go("other")
      yield* opened
      yield* send("two")
      yield* answered("You said two.")
      yield* go("back")
      yield* until("the page as it was", () => page.evaluate("window.isBack"))
      assert.deepStrictEqual(yield* on(answers), expected)
      // When the page is left again, it does not overwrite the newer conversation.
      yield* go("other")
      yield* sees("You said two.")
      assert.deepStrictEqual(yield* on(answers), expected)
    })
  )

  it.effect("continues an answer on a page from the back-forward cache if there are no newer messages", () =>
    Effect.gen(function* () {
      const { answered, answering, begin, on, page, send } = yield* ChatPage.make({
        hasPageCache: true,
        before: `addEventListener("pageshow", ({ persisted }) => { window.isBack = persisted })`
      })
      yield* begin
      // A stream to the network would keep the page out of the back-forward cache.
      yield* on(() => page.evaluate(stubbed))
      yield* send("anything")
      yield* on(() => page.evaluate(`push("The first half, ")`))
      yield* answering("The first half")
      yield* on(() => page.getByText("Other").click())
      yield* until("the page", () => page.evaluate(`location.pathname === "/other"`))
      yield* on(() => page.goBack({ waitUntil: "commit" }))
      yield* until("the page as it was", () => page.evaluate("window.isBack"))
      yield* on(() => page.evaluate(`push("and the second."); close()`))
      yield* answered("The first half, and the second.")
    })
  )

  it.effect("works without storage, and with invalid data in the storage", () =>
    Effect.gen(function* () {
      const edge = yield* TestServer
      const key = JSON.stringify(`hydracore-chat:${edge.instance.instance_id}`)
      for (const before of [
        `Object.defineProperty(window, "sessionStorage", { get() { throw new DOMException("no", "SecurityError") } })`,
        // As in Firefox without cookies.
        `BroadcastChannel = class { constructor() { throw new DOMException("no", "SecurityError") } }`,
        `sessionStorage.setItem(${key}, ${JSON.stringify('{"messages":[null,{"text":7,"ended":{"kind":"valueOf"}}],"id":[]}')})`,
        `Storage.prototype.setItem = () => { throw new DOMException("full", "QuotaExceededError") }`
      ]) {
        const { answered, begin, errors, send } = yield* ChatPage.make({ before })
        yield* begin
        yield* send("hello")
        yield* answered("You said hello.")
        assert.deepStrictEqual(errors, [])
      }
    })
  )
})
