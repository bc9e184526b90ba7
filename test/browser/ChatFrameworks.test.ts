/**
 * A conversation continues when a framework changes, replaces or moves its element.
 */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { inChromium } from "../support/browser/Browser.ts"
import * as ChatPage from "../support/browser/ChatPage.ts"
import { TestServer, layer as testServer } from "../support/TestServer.ts"
import { until } from "../support/Wait.ts"

const agent = ChatPage.agent()

/** Sets attributes of the chat. */
const set = (attributes: Record<string, string>) => `{
  const chat = document.querySelector("hydracore-chat")
  for (const [name, value] of Object.entries(${JSON.stringify(attributes)})) chat.setAttribute(name, value)
}`

inChromium("a chat element that a framework changes", testServer({}, agent.script), (it) => {
  it.effect("keeps its answer and the typed message when texts and theme change", () =>
    Effect.gen(function* () {
      agent.state.gate = Promise.withResolvers()
      const { answered, answering, begin, errors, input, on, page, send, press, offers } = yield* ChatPage.make({
        attributes: `heading="Ask us" theme="light"`
      })
      yield* begin
      yield* send("say: a question before")
      yield* answered("a question before")
      yield* send("wait: The first half, |and the second.")
      yield* answering("The first half,")
      const answer = ChatPage.newest(agent.state)
      yield* on(() => input.fill("half a sentence"))
      yield* on(() => input.evaluate((field) => field.setSelectionRange(4, 6)))
      const strings = {
        close: "Schließen",
        newConversation: "Neues Gespräch",
        log: "Gespräch",
        greeting: "Hallo!",
        message: "Ihre Nachricht",
        placeholder: "Schreiben Sie …",
        send: "Senden",
        stop: "Anhalten",
        you: "Sie schrieben:",
        agent: "{heading} antwortete:",
        open: "{heading} öffnen"
      }
      yield* on(() =>
        page.evaluate(set({ heading: "Fragen", strings: JSON.stringify(strings), theme: "dark", base: "/nowhere" }))
      )
      const field = page.getByRole("textbox", { name: "Ihre Nachricht" })
      const typed = () =>
        field.evaluate((field) => [
          field.value,
          field.selectionStart,
          field.selectionEnd,
          field.placeholder,
          field.getRootNode().activeElement === field
        ])
      assert.deepStrictEqual(yield* on(typed), ["half a sentence", 4, 6, "Schreiben Sie …", true])
      for (const name of ["Schließen", "Neues Gespräch", "Anhalten"]) {
        yield* on(() => page.getByRole("button", { name }).waitFor())
      }
      yield* on(() => page.getByRole("dialog", { name: "Fragen" }).waitFor())
      yield* on(() => page.getByRole("log", { name: "Gespräch" }).waitFor())
      assert.deepStrictEqual(yield* on(() => page.locator(".message").allTextContents()), [
        "Fragen antwortete:Hallo!",
        "Sie schrieben:say: a question before",
        "Fragen antwortete:a question before",
        "Sie schrieben:wait: The first half, |and the second.",
        "Fragen antwortete:The first half,"
      ])
      assert.isTrue(answer.isOngoing())
      agent.state.gate.resolve()
      yield* answered("The first half, and the second.")
      yield* offers("Senden")
      assert.deepStrictEqual((yield* on(typed))[0], "half a sentence")
      yield* press("Schließen")
      yield* offers("Fragen öffnen")
      assert.deepStrictEqual(errors, [])
    })
  )

  it.effect("shows the greeting while there is one", () =>
    Effect.gen(function* () {
      const { begin, on, page, send, answered, answers } = yield* ChatPage.make({
        attributes: `strings='{"greeting": ""}'`
      })
      yield* begin
      yield* send("one")
      yield* answered("You said one.")
      assert.deepStrictEqual(yield* on(answers), ["You said one."])
      yield* on(() => page.evaluate(set({ strings: `{"greeting": "Hallo!"}` })))
      assert.deepStrictEqual(yield* on(answers), ["Hallo!", "You said one."])
      yield* on(() => page.evaluate(set({ strings: `{"greeting": ""}` })))
      assert.deepStrictEqual(yield* on(answers), ["You said one."])
      // The messages are still at the bottom of the panel.
      const below = `{
        const log = document.querySelector("hydracore-chat").shadowRoot.querySelector(".log")
        log.getBoundingClientRect().bottom - log.lastElementChild.getBoundingClientRect().bottom
      }`
      assert.isBelow(Number(yield* on(() => page.evaluate(below))), 40)
    })
  )

  it.effect("uses a new token for the next message, and switches to a new instance immediately", () =>
    Effect.gen(function* () {
      agent.state.gate = Promise.withResolvers()
      const edge = yield* TestServer
      const { answered, answering, answers, begin, on, page, path, relay, send, press } = yield* ChatPage.make()
      yield* begin
      yield* send("wait: The first half, |and the second.")
      yield* answering("The first half")
      const answer = ChatPage.newest(agent.state)
      yield* on(() => page.evaluate(set({ token: "hwt_other", instance: edge.instance.instance_id })))
      agent.state.gate.resolve()
      yield* answered("The first half, and the second.")
      yield* send("more")
      yield* until("the second message", () => relay.of(path).length === 2)
      assert.strictEqual(relay.of(path)[1]?.headers["x-widget-token"], "hwt_other")
      yield* on(() => page.evaluate(set({ token: edge.widgetToken })))
      yield* send("begin: never ends")
      yield* answering("never end")
      yield* on(() => page.evaluate(set({ instance: "00000000-0000-4000-8000-000000000000" })))
      yield* until("the agent's answer ends", () => !answer.isOngoing() && agent.state.ongoing.size === 0)
      yield* press("Open chat")
      assert.deepStrictEqual(yield* on(answers), ["Hello! How can I help you?"])
      // The first instance's conversation is still stored.
      yield* on(() => page.evaluate(set({ instance: edge.instance.instance_id })))
      assert.deepStrictEqual((yield* on(answers)).slice(0, 2), [
        "Hello! How can I help you?",
        "The first half, and the second."
      ])
    })
  )

  it.effect("can be replaced: the new element has the conversation and can retry", () =>
    Effect.gen(function* () {
      agent.state.gate = Promise.withResolvers()
      const { answered, answering, begin, errors, on, page, sees, send, press, count } = yield* ChatPage.make()
      yield* begin
      yield* send("wait: half of |it")
      yield* answering("half o")
      const answer = ChatPage.newest(agent.state)
      yield* on(() =>
        page.evaluate(`{
          const chat = document.querySelector("hydracore-chat")
          chat.replaceWith(chat.cloneNode())
        }`)
      )
      yield* sees("The answer was interrupted. Please try again.")
      yield* until("the agent's answer ends", () => !answer.isOngoing())
      yield* press("Try again")
      agent.state.gate.resolve()
      yield* answered("half of it")
      assert.strictEqual(yield* on(() => count(".message")), 3)
      assert.deepStrictEqual(errors, [])
    })
  )

  it.effect("can be removed and inserted again later, and keeps its conversation", () =>
    Effect.gen(function* () {
      agent.state.gate = Promise.withResolvers()
      const { answered, answering, begin, on, page, panel, send } = yield* ChatPage.make({
        viewport: { width: 320, height: 480 }
      })
      yield* begin
      yield* send(`say: ${"A long answer. ".repeat(60)}`)
      yield* answered(/A long answer\.$/)
      yield* send("wait: half of |it")
      yield* answering("half o")
      // As Turbo does with permanent elements.
      yield* on(() =>
        page.evaluate(`(async () => {
          const chat = document.querySelector("hydracore-chat")
          const body = document.createElement("body")
          document.body.replaceWith(body)
          for (let i = 0; i < 9; i++) await undefined
          body.append(chat)
        })()`)
      )
      const atEnd = on(() =>
        page.getByRole("log").evaluate((log) => log.scrollHeight - log.scrollTop - log.clientHeight < 2)
      )
      assert.isTrue(yield* on(() => panel.evaluate((dialog) => dialog.matches(":modal"))))
      assert.isTrue(yield* atEnd)
      agent.state.gate.resolve()
      yield* answered("half of it")
      assert.isTrue(yield* atEnd)
    })
  )
})
