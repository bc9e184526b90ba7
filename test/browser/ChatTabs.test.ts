/**
 * The tabs of a website share one conversation, which ends with the last of them.
 */
import { assert } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import type { Page } from "playwright-core"
import { layer as chromium, inChromium } from "../support/browser/Browser.ts"
import * as ChatActions from "../support/browser/ChatActions.ts"
import * as ChatPage from "../support/browser/ChatPage.ts"
import { layer as testServer } from "../support/TestServer.ts"
import * as TestTime from "../support/TestTime.ts"
import { until } from "../support/Wait.ts"

const agent = ChatPage.agent()

/** A visitor whose chat is open in a tab, and a way to open another one. */
const visit = (options: ChatPage.Options = {}) =>
  Effect.gen(function* () {
    agent.state.gate = Promise.withResolvers()
    const chat = yield* ChatPage.make(options)
    yield* chat.begin
    const openTab = Effect.acquireRelease(
      Effect.promise(async () => {
        const tab = await chat.context.newPage()
        await tab.goto(chat.site.url)
        return tab
      }),
      (tab) => Effect.promise(() => tab.close())
    ).pipe(
      Effect.tap((tab) => ChatActions.on(tab).press("Open chat")),
      Effect.tap((tab) => ChatActions.on(tab).opened)
    )
    return { ...chat, openTab }
  })

/** A visitor that tests share, since a new one takes more processor time than an answer. */
class SharedVisit extends Context.Service<SharedVisit, Effect.Success<ReturnType<typeof visit>>>()(
  "hydracore/test/browser/SharedVisit"
) {
  static readonly layer = Layer.effect(SharedVisit, visit({ host: "shop.localhost" })).pipe(Layer.provide(chromium))
}

/** The shared visitor with one tab and a new conversation. */
const newConversation = Effect.tap(SharedVisit, ({ renew }) => {
  agent.state.gate = Promise.withResolvers()
  return renew
})

const texts = (tab: Page) => ChatActions.on(tab).texts()

const typed = (tab: Page) => ChatActions.on(tab).typed()

const shows = (tab: Page, ...expected: ReadonlyArray<string>) =>
  until(`a tab shows ${expected.join(", ")}`, async () => (await texts(tab)).slice(1).join() === expected.join())

/** Waits until a tab shows this question after the first one and its answer. */
const showsQuestion = (tab: Page, question: string) =>
  until(`a tab shows ${question}`, async () => (await texts(tab))[3] === question)

/**
 * Types a message in each of two tabs, and lets the tabs send them within a millisecond: when a message arrives on a channel.
 * Returns the message that was sent, and the index of the tab whose field keeps the other message.
 */
const sendTogether = Effect.fnUntraced(function* (tabs: ReadonlyArray<Page>) {
  agent.state.gate = Promise.withResolvers()
  const messages = tabs.map((_, index) => `wait: From tab ${index}, |and more.`)
  const submitOnSignal = `new BroadcastChannel("signal").onmessage = () => {
    document.querySelector("hydracore-chat").shadowRoot.querySelector("form").requestSubmit()
  }`
  for (const [index, tab] of tabs.entries()) {
    yield* ChatActions.on(tab).type(messages[index]!)
    yield* Effect.promise(() => tab.evaluate(submitOnSignal))
  }
  yield* Effect.promise(() => tabs[0]!.evaluate(`new BroadcastChannel("signal").postMessage("")`))
  const kept = yield* until("one message in its field", async () => {
    const [left, right] = await Promise.all(tabs.map(typed))
    return left === "" && right === messages[1] ? 1 : right === "" && left === messages[0] ? 0 : undefined
  })
  return { kept, sent: messages[1 - kept]! }
})

for (const memory of ["edge", "agent"] as const) {
  inChromium(
    `two tabs with memory: ${memory}`,
    Layer.provideMerge(SharedVisit.layer, testServer({}, agent.script, undefined, undefined, memory)),
    (it) => {
      it.effect("have one conversation", () =>
        Effect.gen(function* () {
          const { answered, errors, openTab, page, press, send } = yield* newConversation
          yield* send("one")
          yield* answered("You said one.")
          const other = yield* openTab
          yield* shows(other, "one", "You said one.")
          yield* ChatActions.on(other).send("two")
          const all = ["one", "You said one.", "two", "You said two."]
          yield* shows(other, ...all)
          yield* shows(page, ...all)
          const [first, second] = agent.state.requests.slice(-2)
          assert.strictEqual(first?.session, second?.session)
          yield* press("New conversation")
          yield* shows(other)
          assert.deepStrictEqual(errors, [])
        })
      )

      it.effect("that send at the same moment begin one turn, and the other tab keeps its text", () =>
        Effect.gen(function* () {
          const { answered, errors, openTab, page, send } = yield* newConversation
          yield* send("one")
          yield* answered("You said one.")
          const other = yield* openTab
          yield* shows(other, "one", "You said one.")
          const before = agent.state.requests.length
          const tabs = [page, other]
          const { kept, sent } = yield* sendTogether(tabs)
          for (const tab of tabs) yield* showsQuestion(tab, sent)
          agent.state.gate.resolve()
          const all = ["one", "You said one.", sent, `From tab ${1 - kept}, and more.`]
          for (const tab of tabs) yield* shows(tab, ...all)
          assert.strictEqual(agent.state.requests.length, before + 1)

          yield* ChatActions.on(tabs[kept]!).press("Send message")
          const then = [`wait: From tab ${kept}, |and more.`, `From tab ${kept}, and more.`]
          for (const tab of tabs) yield* shows(tab, ...all, ...then)
          assert.deepStrictEqual(errors, [])
        })
      )

      it.effect("show that an answer is running, and how it ends", () =>
        Effect.gen(function* () {
          const { answering, openTab, page, send } = yield* newConversation
          yield* send("wait: The first half, |and the second.")
          yield* answering("The first half")
          const other = yield* openTab
          yield* ChatActions.on(other).offers("Stop answer")
          agent.state.gate.resolve()
          const all = ["wait: The first half, |and the second.", "The first half, and the second."]
          yield* shows(page, ...all)
          yield* shows(other, ...all)
          yield* ChatActions.on(other).offers("Send message")
          assert.strictEqual(yield* Effect.promise(() => ChatActions.on(other).count(".error")), 0)
        })
      )

      it.effect("can stop an answer to the other tab's message", () =>
        Effect.gen(function* () {
          const { answering, count, offers, on, openTab, send } = yield* newConversation
          yield* send("begin: so far")
          yield* answering("so fa")
          const answer = ChatPage.newest(agent.state)
          const other = yield* openTab
          yield* ChatActions.on(other).press("Stop answer")
          yield* until("the agent's end", () => !answer.isOngoing())
          yield* offers("Send message")
          assert.strictEqual(yield* on(() => count(".error")), 0)
        })
      )
    }
  )
}

inChromium("two tabs without TLS", testServer({}, agent.script, undefined, undefined, "edge"), (it) => {
  it.effect("show the same question if both send at the same moment, and the other message stays in its field", () =>
    Effect.gen(function* () {
      const { answered, openTab, page, send } = yield* visit()
      yield* send("one")
      yield* answered("You said one.")
      const other = yield* openTab
      yield* shows(other, "one", "You said one.")
      const { kept, sent } = yield* sendTogether([page, other])
      for (const tab of [page, other]) yield* showsQuestion(tab, sent)
      assert.notStrictEqual(yield* Effect.promise(() => typed([page, other][kept]!)), sent)
    })
  )
})

inChromium("a tab that waits for another one's answer", testServer({}, agent.script), (it) => {
  it.effect("waits on its next page, too", () =>
    Effect.gen(function* () {
      const { answering, openTab, page, send, site } = yield* visit()
      yield* send("wait: The first half, |and the second.")
      yield* answering("The first half")
      const other = yield* openTab
      yield* ChatActions.on(other).answering("The first half")
      yield* Effect.promise(() => other.goto(`${site.url}/other`))
      yield* ChatActions.on(other).offers("Stop answer")
      agent.state.gate.resolve()
      const all = ["wait: The first half, |and the second.", "The first half, and the second."]
      yield* shows(page, ...all)
      yield* shows(other, ...all)
      assert.strictEqual(yield* Effect.promise(() => ChatActions.on(other).count(".error")), 0)
    })
  )
})

inChromium("a tab that missed how another one sent its message later", testServer({}, agent.script), (it) => {
  it.effect("does not send the message again", () =>
    Effect.gen(function* () {
      const { answered, context, on, openTab, path, relay, sees, send, site } = yield* visit()
      const other = yield* openTab
      yield* on(() => context.setOffline(true))
      yield* send("hello")
      const offline = "You are offline. Your message will be sent when you are back online."
      yield* sees(offline)
      yield* ChatActions.on(other).sees(offline)
      yield* Effect.promise(() => other.goto("about:blank"))
      yield* on(() => context.setOffline(false))
      yield* answered("You said hello.")
      yield* Effect.promise(() => other.clock.install())
      yield* Effect.promise(() => other.clock.pauseAt(TestTime.ofMachine() + 60_000))
      yield* Effect.promise(() => other.goto(site.url))
      yield* shows(other, "hello", "You said hello.")
      yield* Effect.promise(() => other.clock.runFor(10_000))
      assert.strictEqual(relay.of(path).length, 1)
    })
  )
})

inChromium("the last tab", testServer({}, agent.script, undefined, undefined, "edge"), (it) => {
  it.effect("ends the conversation, and a tab that stays receives a running answer to its end", () =>
    Effect.gen(function* () {
      const { answering, openTab, page, send, context, site } = yield* visit()
      yield* send("wait: The first half, |and the second.")
      yield* answering("The first half")
      const other = yield* openTab
      yield* ChatActions.on(other).answering("The first half")
      yield* Effect.promise(() => page.close({ runBeforeUnload: true }))
      agent.state.gate.resolve()
      yield* shows(other, "wait: The first half, |and the second.", "The first half, and the second.")
      yield* Effect.promise(() => other.close())
      const last = yield* Effect.promise(() => context.newPage())
      yield* Effect.promise(() => last.goto(site.url))
      const chat = ChatActions.on(last)
      yield* chat.press("Open chat")
      yield* chat.opened
      assert.strictEqual(yield* Effect.promise(() => chat.count(".message-user")), 0)
    })
  )
})
