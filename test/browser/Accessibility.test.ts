/**
 * axe-core finds no violation in the states of the chat, on a page with a banner of its own, light and dark, wide and narrow.
 */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { violationsInBothSchemes, violationsInOtherWidth } from "../support/browser/Axe.ts"
import { inChromium } from "../support/browser/Browser.ts"
import * as ChatPage from "../support/browser/ChatPage.ts"
import { layer as testServer } from "../support/TestServer.ts"

const agent = ChatPage.agent()

const everything =
  "say: # Title\n\nSome *text* with `code`, a [link](https://x.example) and\n\n> a quote\n\n- [x] done\n- item\n\n1. one\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```js\nlet a = 1\n```\n\n---\n\n~~end~~"

const wideTable = `say: | a |${" a wide column |".repeat(9)}\n|-|${"-|".repeat(9)}\n| 1 |\n\nafter the table`

inChromium("the chat", testServer({}, agent.script, undefined, undefined, "edge"), (it) => {
  for (const [width, colors, check] of [
    [1000, " in light and dark mode", violationsInBothSchemes],
    [320, "", violationsInOtherWidth]
  ] as const) {
    it.effect(`has no violations${colors}, ${width} pixels wide`, () =>
      Effect.gen(function* () {
        const { answered, begin, on, open, page, sees, send, site, answering } = yield* ChatPage.make({
          attributes: `heading="Ask us" suggestions='["When do you open?", "Where are you?"]'`,
          viewport: { width, height: 700 },
          html: (script, element) =>
            `<!doctype html><html lang="en"><head><title>Shop</title><meta name="color-scheme" content="light dark"></head><body><header><p>Kayaks since 1970</p></header><main><h1>Shop</h1></main>${script}${element}</body></html>`
        })
        const assertNoViolations = (state: string) =>
          Effect.map(on(check), (found) => assert.deepStrictEqual(found, [], state))
        yield* open(site.url)
        yield* on(() => page.getByRole("button", { name: "Open chat" }).waitFor())
        yield* assertNoViolations("closed")
        yield* begin
        yield* assertNoViolations("open, with suggestions")
        agent.state.gate = Promise.withResolvers()
        yield* send("think: hard")
        yield* sees("Thinking…")
        yield* assertNoViolations("thinking")
        agent.state.gate.resolve()
        yield* answered("Done thinking.")
        yield* send(everything)
        yield* answered(/end$/)
        yield* assertNoViolations("answered")
        yield* send(wideTable)
        yield* answered(/after the table$/)
        yield* on(() => page.getByRole("region", { name: /^Scroll/ }).waitFor())
        yield* send("cite: As written there.|Opening hours=https://shop.example/hours")
        yield* answered("As written there.")
        yield* on(() => page.getByRole("button", { name: "Good answer" }).last().click())
        yield* assertNoViolations("with sources, a wide table and a rating")
        yield* send("begin: It goes on")
        yield* answering("It goes o")
        yield* assertNoViolations("streaming")
        yield* on(() => page.getByRole("button", { name: "Stop answer" }).click())
        yield* send("break: Half of")
        yield* sees("Try again")
        yield* assertNoViolations("failed")
      })
    )
  }
})
