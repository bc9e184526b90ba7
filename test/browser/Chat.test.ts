/**
 * Answers in the chat: streaming, Markdown, and how they end.
 */

import { gzipSync } from "node:zlib"
import { assert, describe } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import { layer as chromium, inChromium } from "../support/browser/Browser.ts"
import * as ChatPage from "../support/browser/ChatPage.ts"
import { TestServer, layer as testServer } from "../support/TestServer.ts"
import { until } from "../support/Wait.ts"

const agent = ChatPage.agent()

/** An open chat that tests share, because opening one takes more processor time than most answers. */
class SharedChat extends Context.Service<SharedChat, Effect.Success<ReturnType<typeof ChatPage.make>>>()(
  "hydracore/test/browser/SharedChat"
) {
  static readonly layer = Layer.effect(
    SharedChat,
    Effect.tap(ChatPage.make(), ({ begin }) => begin)
  ).pipe(Layer.provide(chromium))
}

/** The shared chat with a new conversation. */
const newConversation = Effect.tap(SharedChat, ({ renew }) => renew)

inChromium("the chat", Layer.provideMerge(SharedChat.layer, testServer({}, agent.script)), (it) => {
  it.effect("adds a script of less than 3 kB to every page, and its panel is less than 18 kB", () =>
    Effect.gen(function* () {
      const { url } = yield* TestServer
      for (const [name, bytes] of [
        ["chat", 3_000],
        ["chat-panel", 18_000]
      ] as const) {
        const script = yield* Effect.promise(async () => (await fetch(`${url}/v1/public/${name}.js`)).text())
        assert.match(script, name === "chat" ? /customElements\.define/ : /adoptedStyleSheets/)
        assert.isBelow(gzipSync(script, { level: 9 }).length, bytes)
      }
    })
  )

  describe("an answer", () => {
    it.effect("is rendered as Markdown while it arrives, and announced in sentences", () =>
      Effect.gen(function* () {
        const { answered, answers, errors, log, on, page, send, spoken, answering, press } = yield* newConversation
        yield* send("begin: We **ship** to Spain. And to")
        yield* answering("And t")
        assert.strictEqual(
          yield* on(() => page.getByText("ship", { exact: true }).evaluate((node) => node.tagName)),
          "STRONG"
        )
        assert.strictEqual(yield* on(() => log.getAttribute("aria-busy")), "true")
        assert.deepStrictEqual((yield* on(spoken)).slice(-2), ["The answer is being written.", "We ship to Spain."])
        yield* press("Stop answer")
        yield* answered("We ship to Spain. And to")
        yield* send("say: # Sizes\n\n- small\n- large\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```\ncode\n```\n\n1. one\n")
        yield* answered(/one$/)
        for (const element of [
          "h3",
          "ul > li",
          "tr:first-child > th[scope=col]",
          "tr:last-child > td",
          "pre code",
          "ol > li"
        ]) {
          assert.isAbove(yield* on(() => log.locator(element).count()), 0, element)
        }
        assert.strictEqual(yield* on(() => log.getAttribute("aria-busy")), "false")
        assert.deepStrictEqual((yield* on(answers))[0], "Hello! How can I help you?")
        assert.deepStrictEqual(errors, [])
      })
    )

    it.effect("never becomes HTML, a script, or a request", () =>
      Effect.gen(function* () {
        const { answered, errors, evil, on, page, relay, send, site } = yield* newConversation.pipe(
          Effect.map((chat) => ({ ...chat, evil: `${chat.site.url}/evil` }))
        )
        const attacks = [
          `<img src="${evil}" onerror="evil()">`,
          `<script src="${evil}"></script><svg onload="evil()">`,
          `![picture](${evil})`,
          `![picture](${evil}" onerror="evil())`,
          "[run](javascript:evil())",
          "[run](JaVaScRiPt:evil())",
          "[run](data:text/html,<script>evil()</script>)",
          "[run](vbscript:evil)",
          `<iframe src="${evil}"></iframe><style>@import "${evil}"</style>`,
          '```"><img src=x onerror=evil()>\ncode\n```',
          "- [x] <b onclick=evil()>done</b>",
          "| <img src=x> | b |\n|---|---|\n| <u>1</u> | 2 |"
        ]
        yield* send(`say: ${attacks.join("\n\n")}\n\nThe end`)
        yield* answered(/The end$/)
        const rendered = yield* on(() =>
          page.evaluate<{ names: Array<string>; links: Array<string>; attributes: Array<string>; ran: boolean }>(`({
            names: [...document.querySelector("hydracore-chat").shadowRoot.querySelectorAll(".body *")].map((node) => node.localName),
            links: [...document.querySelector("hydracore-chat").shadowRoot.querySelectorAll(".body a")].map((node) => node.href),
            attributes: [...document.querySelector("hydracore-chat").shadowRoot.querySelectorAll(".body *")].flatMap((node) => node.getAttributeNames()),
            ran: "ran" in window
          })`)
        )
        const allowed = "a br button code div li p pre table tbody td th thead tr ul".split(" ")
        assert.deepStrictEqual(
          [...new Set(rendered.names)].filter((name) => !allowed.includes(name)),
          []
        )
        assert.deepStrictEqual(
          [...new Set(rendered.attributes)].filter(
            (name) => !["aria-label", "class", "href", "part", "scope", "tabindex", "type"].includes(name)
          ),
          []
        )
        assert.isNotEmpty(rendered.links)
        for (const link of rendered.links) assert.match(link, /^http:\/\/www\.shop\.test/)
        assert.isFalse(rendered.ran)
        assert.isEmpty(site.of("/evil", "GET"))
        assert.isEmpty(relay.received.filter(({ path }) => path.includes("evil")))
        assert.strictEqual(page.url(), `${site.url}/`)
        assert.deepStrictEqual(errors, [])
      })
    )

    it.effect("has horizontal rules in the theme's color, and table headings aligned with their columns", () =>
      Effect.gen(function* () {
        const { answered, begin, on, page, send } = yield* ChatPage.make({ colorScheme: "dark" })
        yield* begin
        yield* send("say: | a name | b |\n|---|---|\n| 1 | 2 |\n\n---\n\nThe end")
        yield* answered(/The end$/)
        const style = (selector: string, name: string) =>
          on(() =>
            page.evaluate(
              `getComputedStyle(document.querySelector("hydracore-chat").shadowRoot.querySelector("${selector}")).${name}`
            )
          )
        assert.strictEqual(yield* style("th", "textAlign"), yield* style("td", "textAlign"))
        assert.strictEqual(yield* style("hr", "borderTopColor"), yield* style("td", "borderBottomColor"))
      })
    )

    it.effect("shows text that resembles Markdown, and unclosed marks, as written", () =>
      Effect.gen(function* () {
        const { answered, on, page, send } = yield* newConversation
        yield* send("say: See [1] and a[0] or https://x.example/a. It costs $5 or $x.")
        yield* answered("See [1] and a[0] or https://x.example/a. It costs $5 or $x.")
        const link = page.getByRole("link", { name: "https://x.example/a" })
        assert.deepStrictEqual(yield* on(() => link.evaluate((a) => [a.href, a.target, a.rel, a.textContent])), [
          "https://x.example/a",
          "_blank",
          "noopener noreferrer",
          "https://x.example/a"
        ])
        yield* send("say: half a [link](https://x.exam")
        yield* answered("half a [link](https://x.exam")
        yield* send("say: half a [lin")
        yield* answered("half a [lin")
        yield* send("say: [![logo](/logo.png)](/home)")
        yield* answered("logo")
        assert.strictEqual(
          yield* on(() => page.getByRole("link", { name: "logo" }).evaluate((a) => a.pathname + a.target)),
          "/home"
        )
      })
    )

    it.effect("of random marks creates only allowed elements, and keeps all words", () =>
      Effect.gen(function* () {
        const { answered, errors, on, page, send } = yield* newConversation
        const marks =
          "* ** _ ` ~~ [ ] ( ) ![ # > - + | $ $$ \\ < <br> 1. \n \n\n \t http://a https://b.example/ &amp; <b>".split(
            " "
          )
        // A fixed pseudo-random sequence, so a failure can be repeated.
        let seed = 7
        const next = (below: number) => {
          seed = (seed * 48_271) % 2_147_483_647
          return seed % below
        }
        for (let round = 0; round < 25; round++) {
          const words = Array.from({ length: 12 }, (_, index) => `w${round}x${index}`)
          const text = words.map((word) => `${marks[next(marks.length)]}${next(2) === 0 ? " " : ""}${word}`).join(" ")
          yield* send(`say: ${text} `)
          yield* answered(new RegExp(`w${round}x11`))
          const shown = yield* on(() => page.locator(".message-agent:last-child .body").textContent())
          for (const word of words) assert.include(shown ?? "", word, JSON.stringify(text))
        }
        const names = yield* on(() =>
          page.evaluate<Array<string>>(
            `[...new Set([...document.querySelector("hydracore-chat").shadowRoot.querySelectorAll(".body *")].map((node) => node.localName))]`
          )
        )
        const allowed =
          "a blockquote br button code div em h3 h4 h5 h6 hr li ol p pre s strong table tbody td th thead tr ul"
        for (const name of names) assert.include(allowed.split(" "), name)
        assert.deepStrictEqual(errors, [])
      })
    )

    it.effect("is scrolled into view unless the visitor has scrolled back", () =>
      Effect.gen(function* () {
        const { answered, log, on, page, send, answering } = yield* newConversation
        const latest = page.getByRole("button", { name: "Go to latest message" })
        const atEnd = () => log.evaluate((log) => log.scrollHeight - log.scrollTop - log.clientHeight < 2)
        yield* send(`say: ${"A long answer. ".repeat(150)}The end.`)
        yield* answered(/The end\.$/)
        yield* until("the log shows the end", atEnd)
        yield* on(() =>
          log.evaluate((log) => {
            log.scrollTop = 0
          })
        )
        yield* on(() => latest.waitFor())
        // Another answer does not change the scroll position.
        yield* on(() => page.getByRole("textbox").fill("wait: more|. And the rest."))
        yield* on(() => page.getByRole("textbox").press("Enter"))
        yield* answering("mor")
        yield* on(() =>
          log.evaluate((log) => {
            log.scrollTop = 0
          })
        )
        yield* on(() => latest.waitFor())
        agent.state.gate.resolve()
        yield* answered(/the rest\.$/)
        yield* until("the log still shows its beginning", () => log.evaluate((log) => log.scrollTop === 0))
        assert.isTrue(yield* on(() => latest.isVisible()))
        yield* on(() => latest.click())
        yield* until("the end", atEnd)
        yield* on(() => latest.waitFor({ state: "hidden" }))
      })
    )

    it.effect("can be stopped: its text stays, and the agent's stream is canceled", () =>
      Effect.gen(function* () {
        const { answered, input, on, send, sees, answering, press } = yield* newConversation
        yield* send("begin: so far")
        yield* answering("so fa")
        const answer = ChatPage.newest(agent.state)
        // No other message can be sent meanwhile.
        yield* on(() => input.fill("more"))
        yield* on(() => input.press("Enter"))
        yield* press("Stop answer")
        yield* sees("You stopped this answer.")
        yield* answered("so far")
        yield* until("the agent's end", () => !answer.isOngoing())
        assert.strictEqual(yield* on(() => input.inputValue()), "more")
        assert.isTrue(yield* on(() => input.evaluate((field) => field.getRootNode().activeElement === field)))
        yield* on(() => input.press("Enter"))
        yield* answered("You said more.")
      })
    )

    it.effect("ends when the chat's element is removed, and continues when the element is moved", () =>
      Effect.gen(function* () {
        const { begin, on, page, send, answering, offers } = yield* ChatPage.make()
        yield* begin
        yield* send("begin: so far")
        yield* answering("so fa")
        const answer = ChatPage.newest(agent.state)
        yield* on(() =>
          page.evaluate(`document.querySelector("main").append(document.querySelector("hydracore-chat"))`)
        )
        yield* offers("Stop answer")
        assert.isTrue(answer.isOngoing())
        yield* on(() => page.evaluate(`document.querySelector("hydracore-chat").remove()`))
        yield* until("the agent's end", () => !answer.isOngoing())
      })
    )
  })
})
