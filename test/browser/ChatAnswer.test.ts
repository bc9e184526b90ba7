/**
 * What an answer shows besides its text: sources, activity, several texts.
 */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { inChromium } from "../support/browser/Browser.ts"
import * as ChatPage from "../support/browser/ChatPage.ts"
import { layer as testServer } from "../support/TestServer.ts"
import { until } from "../support/Wait.ts"

const agent = ChatPage.agent()

const closeGate = Effect.sync(() => {
  agent.state.gate = Promise.withResolvers()
})

inChromium("an answer", testServer({}, agent.script), (it) => {
  it.effect("has its sources as links below, each once, and only web pages", () =>
    Effect.gen(function* () {
      const { answered, begin, on, open, page, send, site, spoken } = yield* ChatPage.make()
      yield* begin
      yield* send(
        "cite: We open at nine.|Opening hours=https://shop.example/hours|=https://x.example/a?b=c|Again=https://shop.example/hours|Bad=javascript:alert(1)|Mail=mailto:a@b.example|Map=HTTPS://Map.example/"
      )
      yield* answered("We open at nine.")
      const links = page.locator(".message-agent:last-child .sources a")
      const expected = [
        ["Opening hours", "https://shop.example/hours", "_blank", "noopener noreferrer"],
        ["x.example", "https://x.example/a?b=c", "_blank", "noopener noreferrer"],
        ["Map", "https://map.example/", "_blank", "noopener noreferrer"]
      ]
      const shown = () =>
        on(() =>
          links.evaluateAll((all) =>
            all.map((a) => [a.textContent, a.getAttribute("href"), a.getAttribute("target"), a.getAttribute("rel")])
          )
        )
      assert.deepStrictEqual(yield* shown(), expected)
      yield* on(() => page.getByText("Sources", { exact: true }).waitFor())
      assert.deepStrictEqual((yield* on(spoken)).at(-1), "Sources: Opening hours, x.example, Map")
      // The sources are stored with the answer.
      yield* open(`${site.url}/other`)
      yield* answered("We open at nine.")
      assert.deepStrictEqual(yield* shown(), expected)
    })
  )

  it.effect("shows the agent's activity until its first text", () =>
    Effect.gen(function* () {
      const { answered, begin, on, send, sees, spoken, count } = yield* ChatPage.make()
      yield* begin
      for (const [message, sentence] of [
        ["think: hard", "Thinking…"],
        ["tool: web_search", "Searching…"],
        ["tool: calculator", "Working…"]
      ] as const) {
        yield* closeGate
        yield* send(message)
        yield* sees(sentence)
        assert.strictEqual((yield* on(spoken)).at(-1), sentence)
        agent.state.gate.resolve()
        yield* answered("Done thinking.")
        assert.strictEqual(yield* on(() => count(".activity")), 0)
      }
    })
  )

  it.effect("has a paragraph for each of its texts", () =>
    Effect.gen(function* () {
      const { answered, begin, on, page, send } = yield* ChatPage.make()
      yield* begin
      yield* send("parts: I will look.|We open at nine.")
      yield* answered(/nine\.$/)
      assert.deepStrictEqual(yield* on(() => page.locator(".message-agent:last-child .body p").allTextContents()), [
        "I will look.",
        "We open at nine."
      ])
    })
  )

  it.effect("cannot be rated if the edge does not keep it", () =>
    Effect.gen(function* () {
      const { answered, begin, on, page, send } = yield* ChatPage.make()
      yield* begin
      yield* send("hello")
      yield* answered("You said hello.")
      assert.strictEqual(yield* on(() => page.getByRole("button", { name: "Good answer" }).count()), 0)
    })
  )

  it.effect("is announced, and leaves the live region empty some time later", () =>
    Effect.gen(function* () {
      const { answered, begin, on, page, send, spoken } = yield* ChatPage.make()
      yield* on(() => page.clock.install())
      yield* begin
      yield* send("hello")
      yield* answered("You said hello.")
      yield* until("the announcement", async () => (await spoken()).at(-1) === "You said hello.")
      yield* on(() => page.clock.fastForward(30_000))
      yield* until("an empty live region", async () => (await spoken()).length === 0)
      yield* answered("You said hello.")
    })
  )
})
