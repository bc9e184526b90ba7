/**
 * The chat's use: keyboard, screen sizes, languages and directions, strict pages, proxies.
 */
import { assert, describe } from "@effect/vitest"
import { Effect } from "effect"
import { inChromium } from "../support/browser/Browser.ts"
import * as ChatPage from "../support/browser/ChatPage.ts"
import { layer as testServer } from "../support/TestServer.ts"
import { until } from "../support/Wait.ts"

const agent = ChatPage.agent()

/** The accessible name or the text of the focused element, through shadow roots. */
const focused = `(() => {
  let at = document.activeElement
  while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement
  return at?.getAttribute("aria-label") ?? at?.textContent ?? ""
})()`

inChromium("the chat in use", testServer({}, agent.script), (it) => {
  describe("by keyboard", () => {
    it.effect("opens, sends and closes, and restores the focus", () =>
      Effect.gen(function* () {
        const { answered, launcher, on, open, page, panel, site } = yield* ChatPage.make({
          attributes: 'heading="Ask us"'
        })
        const has = (name: string) => until(`the focus on ${name}`, async () => (await page.evaluate(focused)) === name)
        const press = (key: string) => on(() => page.keyboard.press(key))
        yield* open(site.url)
        yield* on(() => launcher.waitFor())
        for (const name of ["Other", "Page button", "Open chat: Ask us"]) {
          yield* press("Tab")
          yield* has(name)
        }
        yield* press("Enter")
        yield* has("Your message")
        yield* on(() => page.keyboard.type("first line"))
        yield* press("Shift+Enter")
        yield* on(() => page.keyboard.type("second line"))
        yield* press("Enter")
        yield* answered("You said first linesecond line.")
        assert.strictEqual(agent.state.requests.at(-1)?.message, "first line\nsecond line")
        yield* has("Your message")
        yield* press("Tab")
        yield* has("Send message")
        for (const name of ["Your message", "Conversation", "Close chat", "New conversation"]) {
          yield* press("Shift+Tab")
          yield* has(name)
        }
        yield* press("Escape")
        yield* has("Open chat: Ask us")
        yield* on(() => panel.waitFor({ state: "hidden" }))
        yield* press("Space")
        yield* has("Your message")
      })
    )

    it.effect("does not send during composition, nor an empty message", () =>
      Effect.gen(function* () {
        const { begin, input, on, page, path, relay } = yield* ChatPage.make()
        yield* begin
        yield* on(() => input.fill("\u306B\u307B"))
        yield* on(() =>
          input.evaluate((field) =>
            field.dispatchEvent(
              new field.ownerDocument.defaultView.KeyboardEvent("keydown", { key: "Enter", isComposing: true })
            )
          )
        )
        assert.strictEqual(yield* on(() => input.inputValue()), "\u306B\u307B")
        yield* on(() => input.fill("  \n "))
        yield* on(() => input.press("Enter"))
        yield* on(() => page.getByRole("button", { name: "Send message" }).click())
        assert.isEmpty(relay.of(path))
      })
    )
  })

  describe("on a screen", () => {
    it.effect("of 320 CSS pixels, fills the screen, traps the focus, and never scrolls sideways", () =>
      Effect.gen(function* () {
        const { answered, begin, launcher, log, on, page, panel, send } = yield* ChatPage.make({
          viewport: { width: 320, height: 568 }
        })
        yield* begin
        assert.deepStrictEqual(yield* on(() => panel.boundingBox()), { x: 0, y: 0, width: 320, height: 568 })
        assert.isTrue(yield* on(() => panel.evaluate((dialog) => dialog.matches(":modal"))))
        yield* send(
          `say: ${"x".repeat(300)}\n\n| ${"wide | ".repeat(30)}\n|---|\n\n\`\`\`\n${"code ".repeat(60)}\n\`\`\`\n\nend`
        )
        yield* answered(/end$/)
        assert.isTrue(yield* on(() => log.evaluate((log) => log.scrollWidth <= log.clientWidth)))
        assert.isTrue(yield* on(() => page.evaluate("document.documentElement.scrollWidth <= innerWidth")))
        // The page behind the panel is inert.
        for (let count = 0; count < 12; count++) {
          yield* on(() => page.keyboard.press("Tab"))
          assert.notInclude(["Other", "Page button"], yield* on(() => page.evaluate(focused)))
        }
        // The focus returns to the launcher even if it was in the browser's own controls.
        yield* on(() => page.evaluate(`document.querySelector("hydracore-chat").shadowRoot.activeElement?.blur()`))
        yield* on(() => page.keyboard.press("Escape"))
        yield* until("the launcher", async () => (await page.evaluate(focused)) === "Open chat: Chat")
        yield* on(() => launcher.waitFor())
      })
    )

    it.effect("that becomes narrow or wide, keeps its state", () =>
      Effect.gen(function* () {
        const { begin, input, on, page, panel } = yield* ChatPage.make({ viewport: { width: 1000, height: 700 } })
        const modal = () => panel.evaluate((dialog) => dialog.matches(":modal"))
        yield* begin
        yield* on(() => input.fill("half"))
        assert.isFalse(yield* on(modal))
        yield* on(() => page.setViewportSize({ width: 400, height: 700 }))
        yield* until("the narrow panel", modal)
        assert.strictEqual(yield* on(() => page.evaluate(focused)), "Your message")
        yield* on(() => page.setViewportSize({ width: 1000, height: 700 }))
        yield* until("the wide panel", async () => !(await modal()))
        assert.strictEqual(yield* on(() => page.evaluate(focused)), "Your message")
        assert.strictEqual(yield* on(() => input.inputValue()), "half")
      })
    )

    it.effect("that is small, does not cover a page on load", () =>
      Effect.gen(function* () {
        const { begin, launcher, on, open, page, panel, site } = yield* ChatPage.make()
        yield* begin
        yield* on(() => page.setViewportSize({ width: 320, height: 568 }))
        yield* open(`${site.url}/other`)
        yield* on(() => launcher.waitFor())
        assert.isFalse(yield* on(() => panel.isVisible()))
      })
    )

    it.effect("has no animation with reduced motion", () =>
      Effect.gen(function* () {
        const countAnimations = (reducedMotion: "reduce" | "no-preference") =>
          Effect.gen(function* () {
            const { begin, on, page, send, answering } = yield* ChatPage.make({ reducedMotion })
            yield* begin
            yield* send("begin: so far")
            yield* answering("so fa")
            return yield* on(() =>
              page.evaluate<number>(
                `document.querySelector("hydracore-chat").shadowRoot.getAnimations({ subtree: true }).length`
              )
            )
          })
        assert.isAbove(yield* countAnimations("no-preference"), 0)
        assert.strictEqual(yield* countAnimations("reduce"), 0)
      })
    )
  })

  it.effect("marks the launcher when an answer arrives while the panel is closed", () =>
    Effect.gen(function* () {
      const { begin, launcher, on, page, send, sees } = yield* ChatPage.make({ attributes: 'heading="Ask us"' })
      yield* begin
      const held = Promise.withResolvers<void>()
      yield* Effect.promise(() =>
        page.route("**/chat", async (route) => {
          await held.promise
          await route.continue()
        })
      )
      yield* send("hello")
      yield* on(() => page.getByRole("button", { name: "Close chat" }).click())
      held.resolve()
      yield* on(() => page.getByRole("button", { name: "Open chat: Ask us. New answer." }).waitFor())
      yield* on(() => launcher.click())
      yield* sees("You said hello.")
      yield* on(() => page.getByRole("button", { name: "Close chat" }).click())
      assert.strictEqual(yield* on(() => launcher.getAttribute("aria-label")), "Open chat: Ask us")
    })
  )

  it.effect("supports other languages, including right-to-left ones", () =>
    Effect.gen(function* () {
      const strings = {
        open: "פתיחת צ׳אט: {heading}",
        message: "ההודעה שלך",
        greeting: "שלום!",
        send: "שליחה",
        agent: "{heading} ענה:"
      }
      const { answered, on, open, page, site } = yield* ChatPage.make({
        attributes: `heading="שאלו אותנו" strings='${JSON.stringify(strings)}'`,
        html: (script, element) => `<!doctype html><html lang="he" dir="rtl"><body>${script}${element}</body></html>`,
        viewport: { width: 1000, height: 700 }
      })
      yield* open(site.url)
      const launcher = page.getByRole("button", { name: "פתיחת צ׳אט: שאלו אותנו" })
      assert.isBelow((yield* on(() => launcher.boundingBox()))?.x ?? 999, 100)
      yield* on(() => launcher.click())
      yield* on(() => page.getByText("שלום!").waitFor())
      const field = page.getByRole("textbox", { name: "ההודעה שלך" })
      const direction = on(() =>
        page.evaluate(
          `getComputedStyle(document.querySelector("hydracore-chat").shadowRoot.querySelector("textarea")).direction`
        )
      )
      assert.strictEqual(yield* direction, "rtl")
      yield* on(() => field.fill("hi"))
      assert.strictEqual(yield* direction, "ltr")
      yield* on(() => field.fill("היי"))
      yield* on(() => page.getByRole("button", { name: "שליחה" }).click())
      yield* answered("You said היי.")
      const box = (selector: string) => on(() => page.locator(selector).last().boundingBox())
      assert.isBelow((yield* box(".message-user .body"))?.x ?? 999, (yield* box(".message-agent .body"))?.x ?? 0)
      // New texts apply to the existing conversation.
      yield* on(() => page.locator("hydracore-chat").evaluate((chat) => chat.setAttribute("heading", "אחר")))
      yield* on(() => page.getByRole("heading", { name: "אחר" }).waitFor())
      yield* answered("You said היי.")
    })
  )

  it.effect("works on a page with a strict Content-Security-Policy", () =>
    Effect.gen(function* () {
      const { answered, begin, errors, on, page, send } = yield* ChatPage.make({
        headers: (edge) => ({
          "content-security-policy": `default-src 'none'; script-src ${edge}; connect-src ${edge}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'`
        })
      })
      yield* begin
      yield* send("say: **bold** ![x](https://x.example/i.png)\n\n```\ncode\n```\n\nend")
      yield* answered(/end$/)
      // The style sheet applies, too.
      assert.strictEqual(
        yield* on(() =>
          page
            .locator("hydracore-chat")
            .evaluate((chat) => chat.ownerDocument.defaultView.getComputedStyle(chat).position)
        ),
        "fixed"
      )
      assert.deepStrictEqual(errors, [])
    })
  )

  it.effect("works on a page that allows scripts by nonce alone", () =>
    Effect.gen(function* () {
      const { answered, begin, errors, send } = yield* ChatPage.make({
        headers: (edge) => ({
          "content-security-policy": `default-src 'none'; script-src 'nonce-n1' 'strict-dynamic'; connect-src ${edge}`
        }),
        html: (script, element) => `<!doctype html>${script.replace("<script", '<script nonce="n1"')}${element}`
      })
      yield* begin
      yield* send("hello")
      yield* answered("You said hello.")
      assert.deepStrictEqual(errors, [])
    })
  )

  it.effect("reaches the edge through the website's proxy, which the script's URL or an attribute names", () =>
    Effect.gen(function* () {
      const first = yield* ChatPage.make({ forwards: "/stats" })
      yield* first.begin
      yield* first.send("hello")
      yield* first.answered("You said hello.")
      assert.strictEqual(first.site.of(`/stats${first.path}`).length, 1)
      assert.isEmpty(first.relay.received)
      const second = yield* ChatPage.make({ forwards: "/stats", attributes: 'base="/elsewhere/../stats/"' })
      yield* second.begin
      yield* second.send("hello")
      yield* second.answered("You said hello.")
      assert.strictEqual(second.site.of(`/stats${second.path}`).length, 1)
    })
  )

  it.effect("can be loaded twice, created and opened by script, and hidden", () =>
    Effect.gen(function* () {
      const { edge, errors, launcher, on, open, page, panel, relay, site } = yield* ChatPage.make({
        html: (script) => `<!doctype html><body>${script}${script}</body>`
      })
      yield* open(site.url)
      const evaluate = (script: string) => on(() => page.evaluate(script))
      yield* evaluate(`import("${relay.url}/v1/public/chat.js?again").then(() => {})`)
      yield* evaluate(`{
        const chat = document.createElement("hydracore-chat")
        chat.setAttribute("instance", "${edge.instance.instance_id}")
        document.body.append(chat)
        chat.show()
      }`)
      yield* on(() => panel.waitFor())
      yield* evaluate(`document.querySelector("hydracore-chat").hide()`)
      yield* on(() => launcher.waitFor())
      yield* evaluate(`document.querySelector("hydracore-chat").hidden = true`)
      yield* on(() => launcher.waitFor({ state: "hidden" }))
      assert.deepStrictEqual(errors, [])
    })
  )
})
