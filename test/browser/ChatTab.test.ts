/**
 * What a tab remembers of its conversation, and how a new one begins.
 */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { TestServer, layer as testServer } from "../http/TestServer.ts"
import { inChromium, until } from "./Browser.ts"
import * as ChatPage from "./ChatPage.ts"

const agent = ChatPage.agent()

/** Answers of the page's own making, which end when the page says so. */
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
  it.effect("keeps the conversation over pages, and another tab has its own", () =>
    Effect.gen(function* () {
      const { answered, answers, begin, context, input, on, open, page, panel, send, site } = yield* ChatPage.make()
      yield* begin
      yield* send("one")
      yield* answered("You said one.")
      yield* send("two")
      yield* answered("You said two.")
      const [first, second] = agent.asked.requests.slice(-2)
      assert.strictEqual(first?.conversationId, second?.conversationId)
      yield* on(() => input.fill("not sent"))
      yield* open(`${site.url}/other`)
      // The panel is open as it was, and leaves the focus to the page.
      yield* on(() => panel.waitFor())
      assert.strictEqual(yield* on(() => page.evaluate("document.activeElement.localName")), "body")
      assert.deepStrictEqual(yield* on(answers), ["Hello! How can I help you?", "You said one.", "You said two."])
      assert.strictEqual(yield* on(() => input.inputValue()), "not sent")
      yield* send("three")
      yield* answered("You said three.")
      assert.strictEqual(agent.asked.requests.at(-1)?.conversationId, first?.conversationId)
      const other = yield* on(() => context.newPage())
      yield* on(() => other.goto(site.url))
      yield* on(() => other.getByRole("button", { name: "Open chat" }).click())
      assert.strictEqual(yield* on(() => other.locator(".message-user").count()), 0)
    })
  )

  it.effect("begins a new conversation when it is told to", () =>
    Effect.gen(function* () {
      const { answered, answers, begin, on, open, page, send, site, spoken, answering } = yield* ChatPage.make()
      yield* begin
      yield* send("one")
      yield* answered("You said one.")
      const before = agent.asked.requests.at(-1)?.conversationId
      yield* send("begin: never ends")
      yield* answering("never end")
      const answer = ChatPage.newest(agent.asked)
      yield* on(() => page.getByRole("button", { name: "New conversation" }).click())
      yield* until("the agent's end", () => !answer.isOngoing())
      assert.deepStrictEqual(yield* on(answers), ["Hello! How can I help you?"])
      assert.strictEqual((yield* on(spoken)).at(-1), "New conversation started.")
      yield* send("two")
      yield* answered("You said two.")
      assert.notStrictEqual(agent.asked.requests.at(-1)?.conversationId, before)
      yield* open(site.url)
      assert.deepStrictEqual(yield* on(answers), ["Hello! How can I help you?", "You said two."])
    })
  )

  it.effect("that leaves in the middle of an answer keeps what was said, and can ask again", () =>
    Effect.gen(function* () {
      const { answers, begin, on, open, page, send, sees, site, answering } = yield* ChatPage.make()
      yield* begin
      yield* send("begin: half of")
      yield* answering("half o")
      yield* open(`${site.url}/other`)
      yield* sees("The answer was interrupted. Please try again.")
      assert.strictEqual((yield* on(answers)).at(-1), "half of")
      const before = agent.asked.requests.length
      yield* on(() => page.getByRole("button", { name: "Try again" }).click())
      yield* until("the agent", () => agent.asked.requests.length === before + 1)
      assert.strictEqual(agent.asked.requests.at(-1)?.message, "begin: half of")
    })
  )

  it.effect("that goes back to a page that was kept alive shows what was said since, and loses none of it", () =>
    Effect.gen(function* () {
      const { answered, answers, begin, on, page, panel, send, sees } = yield* ChatPage.make({
        before: `addEventListener("pageshow", ({ persisted }) => { window.isBack = persisted })`
      })
      const go = (way: "on" | "back") =>
        Effect.andThen(
          on(
            async () =>
              void (await (way === "back" ? page.goBack({ waitUntil: "commit" }) : page.getByText("Other").click()))
          ),
          until("the page", () => page.evaluate(`location.pathname === "${way === "on" ? "/other" : "/"}"`))
        )
      const said = ["Hello! How can I help you?", "You said one.", "You said two."]
      yield* begin
      yield* send("one")
      yield* answered("You said one.")
      yield* go("on")
      yield* on(() => panel.waitFor())
      yield* send("two")
      yield* answered("You said two.")
      yield* go("back")
      yield* until("the page as it was", () => page.evaluate("window.isBack"))
      assert.deepStrictEqual(yield* on(answers), said)
      // And the page, when it is left again, does not put its older copy in the place of the newer one.
      yield* go("on")
      yield* sees("You said two.")
      assert.deepStrictEqual(yield* on(answers), said)
    })
  )

  it.effect("that goes back while an answer is written, and nothing was said since, goes on with it", () =>
    Effect.gen(function* () {
      const { answered, answering, begin, on, page, send } = yield* ChatPage.make({
        before: `addEventListener("pageshow", ({ persisted }) => { window.isBack = persisted })`
      })
      yield* begin
      // What the browser keeps alive it does not hear of: a stream that goes on meanwhile would end the page for good.
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

  it.effect("may keep nothing, or rubbish, and the chat works", () =>
    Effect.gen(function* () {
      const edge = yield* TestServer
      const key = JSON.stringify(`hydracore-chat:${edge.instance.instanceId}`)
      for (const before of [
        `Object.defineProperty(window, "sessionStorage", { get() { throw new DOMException("no", "SecurityError") } })`,
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
