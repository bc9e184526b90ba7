/**
 * Clients from npm in a browser, on a website of another origin, with the code of the chat guide.
 */
import { randomUUID } from "node:crypto"
import { assert } from "@effect/vitest"
import { Effect, Option } from "effect"
import { ConversationStore } from "../../src/chat/ConversationStore.ts"
import * as AnswerParts from "../../src/chat/conversations/AnswerParts.ts"
import { InstanceDirectory } from "../../src/chat/InstanceDirectory.ts"
import { Chromium, inChromium } from "../support/browser/Browser.ts"
import * as ChatPage from "../support/browser/ChatPage.ts"
import * as ClientApp from "../support/browser/ClientApp.ts"
import * as MemoryConversationStore from "../support/MemoryConversationStore.ts"
import { TestServer, layer as testServer } from "../support/TestServer.ts"
import { until } from "../support/Wait.ts"

const agent = ChatPage.agent()

const messagesOfLast = () => agent.state.requests.at(-1)?.messages.map(({ text }) => text)

/** A page with a client that defines the function `ask`. */
const opened = Effect.fnUntraced(function* (client: "openAi" | "agUi" | "fetchEventSource") {
  const { path, relay, site } = yield* ClientApp.serve(client)
  const { errors, page } = yield* (yield* Chromium).visitor()
  yield* Effect.promise(() => page.goto(site.url))
  yield* until("the client", () => page.evaluate(`typeof ask === "function"`))
  return { errors, page, path, relay }
})

inChromium("clients from npm", testServer({}, agent.script, undefined, undefined, "edge"), (it) => {
  it.effect("useChat has several turns, regenerates, and resumes after a reload", () =>
    Effect.gen(function* () {
      agent.state.gate = Promise.withResolvers()
      const { site } = yield* ClientApp.serve("useChat")
      const { errors, page } = yield* (yield* Chromium).visitor()
      const on = <A>(use: (it: typeof page) => Promise<A>) => Effect.promise(() => use(page))
      const texts = (role: string) => page.locator(`p.${role}`).allTextContents()
      const run = (code: string) => on(() => page.evaluate(code))
      const answered = (...expected: ReadonlyArray<string>) =>
        until(
          () => `the answers ${expected}`,
          async () => JSON.stringify(await texts("assistant")) === JSON.stringify(expected)
        )
      yield* on(() => page.goto(`${site.url}/#${randomUUID()}`))
      yield* run(`chat.sendMessage({ text: "say: one" })`)
      yield* answered("one")
      yield* run(`chat.sendMessage({ text: "say: two" })`)
      yield* answered("one", "two")
      assert.deepStrictEqual(messagesOfLast(), ["say: one", "one", "say: two"])
      yield* run("chat.regenerate()")
      yield* answered("one", "two")
      assert.deepStrictEqual(messagesOfLast(), ["say: one", "one", "say: two"])
      yield* run(`void chat.sendMessage({ text: "wait: begun |and done" })`)
      yield* answered("one", "two", "begun ")
      yield* on(() => page.reload())
      yield* answered("begun ")
      agent.state.gate.resolve()
      yield* answered("begun and done")
      assert.deepStrictEqual(errors, [])
    })
  )

  it.effect("assistant-ui has several turns, and edits and reloads replace messages of the stored conversation", () =>
    Effect.gen(function* () {
      const { instance } = yield* TestServer
      // assistant-ui's thread ids are not UUIDs. Without this setting, the id in the store also depends on the first message, so
      // that an edit of the first message would begin another conversation.
      yield* InstanceDirectory.use((instances) =>
        instances.update(instance.instance_id, { conversation_ids: "client" })
      )
      const { site } = yield* ClientApp.serve("assistantUi")
      const { errors, page } = yield* (yield* Chromium).visitor()
      yield* Effect.promise(() => page.goto(site.url))
      yield* until("the runtime", () => page.evaluate(`typeof runtime === "object"`))
      const run = (code: string) => Effect.promise(() => page.evaluate(`void ${code}`))
      const texts = `runtime.thread.getState().messages.map(({ content }) =>
        content.map((part) => part.type === "text" ? part.text : "").join(""))`
      /** Waits for these messages, finds them in the store, and returns how many conversations the store has. */
      const expectMessages = Effect.fnUntraced(function* (...expected: ReadonlyArray<string>) {
        yield* until(
          () => `the messages ${expected}`,
          async () =>
            JSON.stringify(await page.evaluate(texts)) === JSON.stringify(expected) &&
            (await page.evaluate("runtime.thread.getState().isRunning")) === false
        )
        assert.deepStrictEqual(messagesOfLast(), expected.slice(0, -1))
        const store = yield* ConversationStore
        const keys = MemoryConversationStore.keysIn(store, instance.instance_id)
        const stored = yield* Effect.forEach(keys, (key) =>
          Effect.map(store.read(key), (messages) =>
            Option.getOrElse(messages, () => []).map(({ parts }) => AnswerParts.textOf(parts))
          )
        )
        assert.includeDeepMembers(stored, [expected])
        return keys.length
      })
      const edit = (index: number, text: string) =>
        run(`(({ composer }) => { composer.beginEdit(); composer.setText(${JSON.stringify(text)}); composer.send() })(
          runtime.thread.getMessageByIndex(${index}))`)
      yield* run(`runtime.thread.append("say: one")`)
      const conversationCount = yield* expectMessages("say: one", "one")
      yield* run(`runtime.thread.append("say: two")`)
      yield* expectMessages("say: one", "one", "say: two", "two")
      yield* edit(2, "say: three")
      yield* expectMessages("say: one", "one", "say: three", "three")
      yield* edit(0, "say: four")
      yield* expectMessages("say: four", "four")
      yield* run(`runtime.thread.append("say: five")`)
      yield* expectMessages("say: four", "four", "say: five", "five")
      yield* run(`runtime.thread.getMessageByIndex(1).reload()`)
      assert.strictEqual(yield* expectMessages("say: four", "four"), conversationCount)
      assert.deepStrictEqual(errors, [])
      yield* InstanceDirectory.use((instances) =>
        instances.update(instance.instance_id, { conversation_ids: "service" })
      )
    })
  )

  it.effect("the openai SDK streams an answer to its messages", () =>
    Effect.gen(function* () {
      const { errors, page } = yield* opened("openAi")
      const messages = [
        { role: "user", content: "say: one" },
        { role: "assistant", content: "one" },
        { role: "user", content: "say: two" }
      ]
      const text = yield* Effect.promise(() => page.evaluate(`ask(${JSON.stringify(messages)}, "a")`))
      assert.strictEqual(text, "two")
      assert.deepStrictEqual(messagesOfLast(), ["say: one", "one", "say: two"])
      assert.deepStrictEqual(errors, [])
    })
  )

  it.effect("AG-UI's client gets an answer", () =>
    Effect.gen(function* () {
      const { errors, page } = yield* opened("agUi")
      const texts = yield* Effect.promise(() => page.evaluate("ask()"))
      assert.deepStrictEqual(texts, ["When do you open?", "You said When do you open?."])
      assert.deepStrictEqual(errors, [])
    })
  )

  it.effect("fetch-event-source reads each frame once, and posts once", () =>
    Effect.gen(function* () {
      const { errors, page, path, relay } = yield* opened("fetchEventSource")
      const frames = (yield* Effect.promise(() => page.evaluate(`ask("say: hello there")`))) as ReadonlyArray<{
        readonly type: string
        readonly delta?: string
      }>
      assert.strictEqual(frames.map(({ delta = "" }) => delta).join(""), "hello there")
      assert.deepStrictEqual([frames[0]?.type, frames.at(-1)?.type], ["start", "finish"])
      assert.lengthOf(relay.of(path), 1)
      assert.deepStrictEqual(errors, [])
    })
  )
})
