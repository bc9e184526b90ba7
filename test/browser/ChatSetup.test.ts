/**
 * How a website sets up the chat: suggestions, loading of the panel, and mistakes that the browser's console reports.
 */
import { assert, describe } from "@effect/vitest"
import { Effect } from "effect"
import { inChromium } from "../support/browser/Browser.ts"
import * as ChatPage from "../support/browser/ChatPage.ts"
import { layer as testServer } from "../support/TestServer.ts"
import { until } from "../support/Wait.ts"

const agent = ChatPage.agent()

/** Collects the page's console messages. */
const consoleOf = ({ page }: { readonly page: import("playwright-core").Page }): ReadonlyArray<string> => {
  const lines: Array<string> = []
  page.on("console", (message) => {
    // Such as a missing favicon.
    if (!message.text().startsWith("Failed to load resource")) lines.push(`${message.type()}: ${message.text()}`)
  })
  return lines
}

inChromium("a website's chat", testServer({}, agent.script), (it) => {
  describe("suggests messages", () => {
    it.effect("until a conversation begins, and sends the one that is pressed", () =>
      Effect.gen(function* () {
        const { answered, begin, input, on, open, page, site, press } = yield* ChatPage.make({
          attributes: `suggestions='["When do you open?", " ", "Where are you?"]'`
        })
        yield* begin
        const suggestions = page.locator(".suggestion:visible")
        yield* on(() => suggestions.first().waitFor())
        assert.deepStrictEqual(yield* on(() => suggestions.allTextContents()), ["When do you open?", "Where are you?"])
        yield* press("Where are you?")
        yield* answered("You said Where are you?.")
        assert.strictEqual(yield* on(() => suggestions.count()), 0)
        assert.isTrue(yield* on(() => input.evaluate((field) => field.getRootNode().activeElement === field)))
        yield* open(`${site.url}/other`)
        yield* answered("You said Where are you?.")
        assert.strictEqual(yield* on(() => suggestions.count()), 0)
        yield* press("New conversation")
        assert.strictEqual(yield* on(() => suggestions.count()), 2)
        yield* on(() =>
          page.locator("hydracore-chat").evaluate((chat) => chat.setAttribute("suggestions", '["Something else"]'))
        )
        assert.deepStrictEqual(yield* on(() => suggestions.allTextContents()), ["Something else"])
      })
    )

    it.effect("on a phone without opening its keyboard", () =>
      Effect.gen(function* () {
        const { answered, begin, log, on, press } = yield* ChatPage.make({
          attributes: `suggestions='["When do you open?"]'`,
          viewport: { width: 360, height: 640 }
        })
        yield* begin
        yield* press("When do you open?")
        yield* answered("You said When do you open?.")
        assert.isTrue(yield* on(() => log.evaluate((log) => log.getRootNode().activeElement === log)))
      })
    )
  })

  describe("logs to the browser's console", () => {
    it.effect("that the instance is missing, and does not ask the visitor to shorten the message", () =>
      Effect.gen(function* () {
        const chat = yield* ChatPage.make({
          html: (script) => `<!doctype html><body>${script}<hydracore-chat token="hcw_x"></hydracore-chat></body>`
        })
        const lines = consoleOf(chat)
        yield* chat.begin
        yield* until("the error", () => lines.some((line) => /^error: .*`instance` is missing/.test(line)))
        yield* chat.send("hello")
        yield* chat.sees(/This chat is not available/)
        assert.strictEqual(yield* chat.on(() => chat.page.getByText(/shorten/).count()), 0)
        assert.isEmpty(chat.relay.received.filter(({ method }) => method === "POST"))
      })
    )

    it.effect('that type="module" is missing, and works', () =>
      Effect.gen(function* () {
        const chat = yield* ChatPage.make({
          html: (script, element) => `<!doctype html><body>${script.replace(' type="module"', "")}${element}</body>`
        })
        const lines = consoleOf(chat)
        yield* chat.begin
        assert.isTrue(lines.some((line) => /^warning: .*type="module"/.test(line)))
        yield* chat.send("hello")
        yield* chat.answered("You said hello.")
        assert.deepStrictEqual(chat.errors, [])
      })
    )

    it.effect("that the suggestions are invalid, and works", () =>
      Effect.gen(function* () {
        const chat = yield* ChatPage.make({ attributes: `suggestions="When do you open?"` })
        const lines = consoleOf(chat)
        yield* chat.begin
        yield* chat.send("hello")
        yield* chat.answered("You said hello.")
        assert.isTrue(lines.some((line) => /^error: .*`suggestions` is not a JSON list/.test(line)))
      })
    )

    it.effect("nothing else", () =>
      Effect.gen(function* () {
        const chat = yield* ChatPage.make()
        const lines = consoleOf(chat)
        yield* chat.begin
        yield* chat.send("hello")
        yield* chat.answered("You said hello.")
        assert.deepStrictEqual(lines, [])
      })
    )
  })

  describe("loads its panel", () => {
    it.effect("when the visitor is about to open it, or has used it", () =>
      Effect.gen(function* () {
        const { launcher, on, open, page, panel, relay, site } = yield* ChatPage.make()
        const loads = () => relay.received.filter(({ path }) => ChatPage.panelScript.test(path)).length
        yield* open(site.url)
        yield* on(() => page.waitForLoadState("networkidle"))
        assert.strictEqual(loads(), 0)
        yield* on(() => launcher.hover())
        yield* until("the panel's script", () => loads() === 1)
        yield* on(() => launcher.click())
        yield* on(() => panel.waitFor())
        yield* open(`${site.url}/other`)
        yield* on(() => panel.waitFor())
      })
    )

    it.effect("and keeps what is typed meanwhile", () =>
      Effect.gen(function* () {
        const { input, launcher, on, open, page, relay, site } = yield* ChatPage.make()
        const held = Promise.withResolvers<void>()
        relay.fault = ({ path }) =>
          ChatPage.panelScript.test(path) ? { _tag: "Hold", until: held.promise } : undefined
        yield* open(site.url)
        yield* on(() => launcher.click())
        yield* on(() => page.keyboard.type("hello and"))
        held.resolve()
        yield* until("the text", async () => (await input.inputValue()) === "hello and")
        yield* on(() => page.keyboard.type(" more"))
        assert.strictEqual(yield* on(() => input.inputValue()), "hello and more")
      })
    )

    it.effect("at the second press if the first one failed", () =>
      Effect.gen(function* () {
        const { launcher, on, open, page, panel, relay, site, offers } = yield* ChatPage.make({
          attributes: "heading=Ask"
        })
        relay.fault = ({ path }) => (ChatPage.panelScript.test(path) ? { _tag: "Cut" } : undefined)
        yield* open(site.url)
        yield* on(() => launcher.click())
        const failed = page.getByRole("button", { name: "The chat did not load. Try again." })
        yield* on(() => failed.waitFor())
        relay.fault = () => undefined
        yield* on(() => failed.click())
        yield* on(() => panel.waitFor())
        yield* on(() => page.keyboard.press("Escape"))
        yield* offers("Open chat: Ask")
      })
    )
  })

  it.effect("keeps the newest message in view when a phone's keyboard opens", () =>
    Effect.gen(function* () {
      const { answered, begin, input, log, on, page, panel, send } = yield* ChatPage.make({
        viewport: { width: 360, height: 640 }
      })
      yield* begin
      yield* send(`say: ${"A long answer. ".repeat(60)}The end.`)
      yield* answered(/The end\.$/)
      // A keyboard changes only the visual viewport, not the layout viewport.
      const setKeyboard = (height: number) =>
        on(() =>
          page.evaluate(`{
            Object.defineProperty(visualViewport, "height", { value: innerHeight - ${height}, configurable: true })
            visualViewport.dispatchEvent(new Event("resize"))
          }`)
        )
      const last = page.getByText("The end.").last()
      yield* setKeyboard(300)
      yield* until("the smaller panel", async () => (await panel.boundingBox())?.height === 340)
      const field = yield* on(() => input.boundingBox())
      assert.isAtMost(field!.y + field!.height, 340)
      yield* until("the end of the log", () =>
        log.evaluate((log) => log.scrollHeight - log.scrollTop - log.clientHeight < 2)
      )
      assert.isTrue(yield* on(() => last.isVisible()))
      yield* setKeyboard(0)
      yield* until("the whole panel", async () => (await panel.boundingBox())?.height === 640)
    })
  )
})
