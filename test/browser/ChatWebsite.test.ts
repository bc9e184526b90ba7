/**
 * The isolation between the chat and the website around it.
 */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { inChromium } from "../support/browser/Browser.ts"
import * as ChatPage from "../support/browser/ChatPage.ts"
import { layer as testServer } from "../support/TestServer.ts"
import { until } from "../support/Wait.ts"

const agent = ChatPage.agent()

const withHead = (head: string) => (script: string, element: string) =>
  `<!doctype html><html lang="en"><head><title>Shop</title><meta name="viewport" content="width=device-width">${head}</head>
<body><main><h1>Shop</h1><input aria-label="Search" id="search"></main>${script}${element}</body></html>`

/**
 * Returns the style of the newest answer, its size and the panel's, and whether the log overflows. Leaves out positions,
 * because a website may position the chat.
 */
const measureLooks = `(() => {
  const root = document.querySelector("hydracore-chat").shadowRoot
  const body = root.querySelector(".message-agent:last-child .body")
  const { width, height } = root.querySelector(".panel").getBoundingClientRect()
  const log = root.querySelector(".log")
  const style = getComputedStyle(body)
  const names = ["color", "cursor", "fontFamily", "fontStyle", "letterSpacing", "lineHeight", "textAlign", "textIndent",
    "textShadow", "textTransform", "userSelect", "visibility", "whiteSpace", "wordSpacing"]
  return {
    ...Object.fromEntries(names.map((name) => [name, style[name]])),
    sizes: [width, height, body.offsetWidth, body.offsetHeight],
    isTooWide: log.scrollWidth > log.clientWidth
  }
})()`

const sheets = {
  "that is inherited": `body { text-transform: uppercase; letter-spacing: .2em; white-space: nowrap; text-indent: 2em;
    user-select: none; word-spacing: 1em; cursor: wait; text-shadow: 0 0 3px red; font: italic 900 9px/3 serif;
    text-align: right; color: #777; visibility: hidden }`,
  "for everything": `* { font-family: serif; color: #777; line-height: 1 }`,
  "that resets everything": `* { all: unset }`
}

inChromium("a website with a chat", testServer({}, agent.script), (it) => {
  it.effect("has a style sheet that does not apply inside the chat", () =>
    Effect.gen(function* () {
      const looksWith = (sheet: string) =>
        Effect.scoped(
          Effect.gen(function* () {
            const { answered, begin, on, page, send } = yield* ChatPage.make({
              html: withHead(`<style>${sheet}</style>`)
            })
            yield* begin
            const answer = `say: ${"An answer of many words. ".repeat(9)}${"x".repeat(300)}`
            yield* send(answer)
            yield* answered(/x{300}$/)
            return yield* on(() => page.evaluate(measureLooks))
          })
        )
      const plain = yield* looksWith("")
      assert.include(plain, { visibility: "visible", textTransform: "none", isTooWide: false })
      for (const [name, sheet] of Object.entries(sheets)) assert.deepStrictEqual(yield* looksWith(sheet), plain, name)
    })
  )

  it.effect("has keyboard shortcuts that do not see what is typed into the chat", () =>
    Effect.gen(function* () {
      const { begin, input, on, page, relay } = yield* ChatPage.make({
        html: withHead(`<script>
          for (const type of ["keydown", "keypress", "keyup"]) addEventListener(type, (event) => {
            if (event.target.matches?.("input, textarea")) return
            if (event.key === "/") search.focus()
            if ("jk/".includes(event.key)) event.preventDefault()
          })
        </script>`)
      })
      const loaded = Promise.withResolvers<void>()
      relay.fault = ({ path }) =>
        ChatPage.panelScript.test(path) ? { _tag: "Hold", until: loaded.promise } : undefined
      yield* begin
      yield* on(() => page.keyboard.type("just a joke and/or"))
      loaded.resolve()
      yield* until("the text", async () => (await input.inputValue()) === "just a joke and/or")
      yield* on(() => page.keyboard.type(" a joke/joke"))
      assert.strictEqual(yield* on(() => input.inputValue()), "just a joke and/or a joke/joke")
      // The shortcuts work elsewhere.
      yield* on(() => input.press("Escape"))
      yield* on(() => page.keyboard.type("/k"))
      assert.strictEqual(yield* on(() => page.locator("#search").inputValue()), "k")
    })
  )

  it.effect("prints without the chat", () =>
    Effect.gen(function* () {
      const { launcher, on, open, page, site } = yield* ChatPage.make()
      yield* open(site.url)
      yield* on(() => launcher.waitFor())
      yield* on(() => page.emulateMedia({ media: "print" }))
      yield* on(() => launcher.waitFor({ state: "hidden" }))
    })
  )
})
