/**
 * The chat's colors: light unless the page or the element asks for something else.
 */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import * as Design from "../../src/platform/design/Design.ts"
import { inChromium } from "../support/browser/Browser.ts"
import * as ChatPage from "../support/browser/ChatPage.ts"
import { layer as testServer } from "../support/TestServer.ts"

const agent = ChatPage.agent()

const withHead = (head: string) => (script: string, element: string) =>
  `<!doctype html><html><head>${head}</head><body>${script}${element}</body></html>`

const meta = withHead('<meta name="color-scheme" content="light dark">')

const background = ({ page }: { readonly page: import("playwright-core").Page }) =>
  page.locator("dialog").evaluate((dialog) => dialog.ownerDocument.defaultView.getComputedStyle(dialog).backgroundColor)

/** The background of the panel on a page. */
const shown = (options: ChatPage.Options) =>
  Effect.gen(function* () {
    const chat = yield* ChatPage.make(options)
    yield* chat.begin
    return yield* chat.on(() => background(chat))
  })

/** A colour of the design as a browser writes it. */
const rgb = (hex: string): string =>
  `rgb(${[1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)).join(", ")})`

const [light, dark] = Design.colors.raised.map(rgb) as [string, string]

inChromium("the chat's theme", testServer({}, agent.script), (it) => {
  const cases: ReadonlyArray<readonly [name: string, options: ChatPage.Options, expected: string]> = [
    ["light on a page that declares nothing", { colorScheme: "dark" }, light],
    ["dark on a page that supports both, for a visitor who prefers dark", { colorScheme: "dark", html: meta }, dark],
    [
      "light on a page that supports both, for a visitor who prefers light",
      { colorScheme: "light", html: meta },
      light
    ],
    ["dark on a dark page", { html: withHead("<style>:root { color-scheme: dark }</style>") }, dark],
    ["light with theme=light", { colorScheme: "dark", html: meta, attributes: "theme=light" }, light],
    ["dark with theme=dark", { colorScheme: "light", attributes: "theme=dark" }, dark],
    ["dark with theme=auto, for a visitor who prefers dark", { colorScheme: "dark", attributes: "theme=auto" }, dark]
  ]
  for (const [name, options, expected] of cases) {
    it.effect(`is ${name}`, () => Effect.map(shown(options), (color) => assert.strictEqual(color, expected)))
  }

  it.effect("has the website's colors, and parts that its style sheet can select", () =>
    Effect.gen(function* () {
      const chat = yield* ChatPage.make({
        html: withHead(
          "<style>hydracore-chat { --hydracore-background: rgb(1, 2, 3) } hydracore-chat::part(title) { color: rgb(4, 5, 6) }</style>"
        )
      })
      yield* chat.begin
      assert.strictEqual(yield* chat.on(() => background(chat)), "rgb(1, 2, 3)")
      const title = chat.page.getByRole("heading", { name: "Chat" })
      assert.strictEqual(
        yield* chat.on(() => title.evaluate((node) => node.ownerDocument.defaultView.getComputedStyle(node).color)),
        "rgb(4, 5, 6)"
      )
    })
  )
})
