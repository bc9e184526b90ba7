/**
 * The Markdown of answers: tables, links, names with underscores, and copying of code.
 */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { inChromium } from "../support/browser/Browser.ts"
import * as ChatPage from "../support/browser/ChatPage.ts"
import { layer as testServer } from "../support/TestServer.ts"
import { until } from "../support/Wait.ts"

const agent = ChatPage.agent()

interface Case {
  /** The answer in Markdown. */
  readonly answer: string
  /** The answer's text as the page shows it. */
  readonly text: string
  /** The text and the address of each link. */
  readonly links?: ReadonlyArray<readonly [text: string, href: string]>
  /** The text of each element of emphasis. */
  readonly emphasis?: ReadonlyArray<string>
}

const cases: Readonly<Record<string, Case>> = {
  "a link whose address has parentheses": {
    answer: "See [Kayak](https://en.wikipedia.org/wiki/Kayak_(boat)) here",
    text: "See Kayak here",
    links: [["Kayak", "https://en.wikipedia.org/wiki/Kayak_(boat)"]]
  },
  "a link whose text has brackets": {
    answer: "As said [[1]](https://x.example/a) and [a [b] c](https://x.example/b).",
    text: "As said [1] and a [b] c.",
    links: [
      ["[1]", "https://x.example/a"],
      ["a [b] c", "https://x.example/b"]
    ]
  },
  "a link whose text has escaped brackets": {
    answer: "[a \\[b\\] c](https://x.example/b) end",
    text: "a [b] c end",
    links: [["a [b] c", "https://x.example/b"]]
  },
  "bare addresses in brackets, angle brackets, quotes and emphasis": {
    answer:
      '(https://x.example/a_(b)), (https://x.example/c) "https://x.example/d" **https://x.example/e** <https://x.example/f> end',
    text: '(https://x.example/a_(b)), (https://x.example/c) "https://x.example/d" https://x.example/e <https://x.example/f> end',
    links: [
      ["https://x.example/a_(b)", "https://x.example/a_(b)"],
      ["https://x.example/c", "https://x.example/c"],
      ["https://x.example/d", "https://x.example/d"],
      ["https://x.example/e", "https://x.example/e"],
      ["https://x.example/f", "https://x.example/f"]
    ],
    emphasis: ["https://x.example/e"]
  },
  "telephone numbers and mail addresses": {
    answer: "Call [us](tel:+34600000000) or [write](mailto:us@shop.example).",
    text: "Call us or write.",
    links: [
      ["us", "tel:+34600000000"],
      ["write", "mailto:us@shop.example"]
    ]
  },
  "names with underscores": {
    answer: "Set snake_case_name and max_size to a_b, _really_ and __so__, not _half_open_.",
    text: "Set snake_case_name and max_size to a_b, really and so, not half_open.",
    emphasis: ["really", "so", "half_open"]
  },
  "names with underscores in other elements": {
    answer: "**a_b_c** `d_e_f` [g_h_i](https://x.example/j_k_l) końcówka_ąę_x end",
    text: "a_b_c d_e_f g_h_i końcówka_ąę_x end",
    links: [["g_h_i", "https://x.example/j_k_l"]],
    emphasis: ["a_b_c"]
  }
}

inChromium("the Markdown of an answer", testServer({}, agent.script), (it) => {
  it.effect("renders links, addresses, and names with underscores", () =>
    Effect.gen(function* () {
      const { answered, begin, on, page, send } = yield* ChatPage.make()
      yield* begin
      for (const [name, { answer, emphasis = [], links = [], text }] of Object.entries(cases)) {
        yield* send(`say: ${answer}`)
        yield* answered(text)
        const body = page.locator(".message-agent:last-child .body")
        assert.deepStrictEqual(
          yield* on(() =>
            body.locator("a").evaluateAll((all) => all.map((a) => [a.textContent, a.getAttribute("href") ?? ""]))
          ),
          links.map((link) => [...link]),
          name
        )
        assert.deepStrictEqual(yield* on(() => body.locator("em, strong").allTextContents()), [...emphasis], name)
      }
    })
  )

  it.effect("renders the same however the stream is split", () =>
    Effect.gen(function* () {
      const { begin, on, page } = yield* ChatPage.make()
      yield* begin
      const whole = Object.values(cases)
        .map(({ answer }) => answer)
        .join("\n\n")
      const bodies: Array<string> = []
      for (const size of [1, 2, 3, 7, whole.length]) {
        const frames = whole.match(new RegExp(`.{1,${size}}`, "gsu"))!
        yield* Effect.promise(() =>
          page.route("**/chat", (route) =>
            route.fulfill({
              headers: { "content-type": "text/event-stream", "access-control-allow-origin": "*" },
              body: [...frames.map((delta) => JSON.stringify({ type: "text-delta", id: "t", delta })), "[DONE]"]
                .map((data) => `data: ${data}\n\n`)
                .join("")
            })
          )
        )
        yield* on(() => page.getByRole("textbox").fill(`${size}`))
        yield* on(() => page.getByRole("textbox").press("Enter"))
        const body = page.locator(".message-agent:last-child:not(.writing) .body")
        yield* until(
          "the answer",
          async () => (await page.locator(".message-user").count()) === bodies.length + 1 && (await body.count()) === 1
        )
        bodies.push(yield* on(() => body.innerHTML()))
      }
      assert.deepStrictEqual(new Set(bodies).size, 1, bodies.join("\n"))
    })
  )

  it.effect("aligns the columns of tables, and makes only wide tables scroll", () =>
    Effect.gen(function* () {
      const { answered, begin, on, page, send } = yield* ChatPage.make()
      yield* begin
      yield* send("say: | Tour | Price | Days | Note |\n|:---|---:|:-:|---|\n| Bay | 75 | 1 | a |\n\nend")
      yield* answered(/end$/)
      const cells = page.locator(".message-agent:last-child :is(th, td)")
      const aligned = yield* on(() =>
        cells.evaluateAll((all) => all.map((cell) => cell.ownerDocument.defaultView.getComputedStyle(cell).textAlign))
      )
      assert.deepStrictEqual(aligned, ["left", "right", "center", "start", "left", "right", "center", "start"])
      assert.strictEqual(yield* on(() => page.getByRole("region").count()), 0)
      yield* send(`say: | a |${" wide column |".repeat(12)}\n|-|${"-|".repeat(12)}\n| 1 |\n\nthe end`)
      yield* answered(/the end$/)
      const region = page.getByRole("region", { name: "Scroll sideways to see the whole table." })
      yield* on(() => region.waitFor())
      yield* on(() => region.focus())
      yield* on(() => page.keyboard.press("ArrowRight"))
      yield* until("the scrolled table", () => region.evaluate((table) => table.scrollLeft > 0))
      // The panel becomes wide enough.
      yield* on(() =>
        page.evaluate(`document.querySelector("hydracore-chat").style.setProperty("--hydracore-width", "2000px")`)
      )
      yield* on(() => page.setViewportSize({ width: 2200, height: 800 }))
      yield* on(() => region.waitFor({ state: "detached" }))
    })
  )

  it.effect("copies code with and without the Clipboard API", () =>
    Effect.gen(function* () {
      const { answered, begin, on, page, send } = yield* ChatPage.make()
      yield* begin
      // `copied` is the text of the last copy event, or what was written to the clipboard.
      yield* on(() =>
        page.evaluate(`document.addEventListener("copy", () => { window.copied = String(getSelection()) })`)
      )
      yield* send("say: ```sh\nnpm start\nnpm test\n```\n\nend")
      yield* answered(/end$/)
      yield* on(() => page.getByRole("button", { name: "Copy" }).click())
      yield* on(() => page.getByRole("button", { name: "Copied" }).waitFor())
      assert.strictEqual(((yield* on(() => page.evaluate("copied"))) as string).trim(), "npm start\nnpm test")
      yield* on(() =>
        page.evaluate(
          `Object.defineProperty(navigator, "clipboard", { value: { writeText: async (text) => { window.copied = text } } })`
        )
      )
      yield* on(() => page.getByRole("button", { name: "Copy", exact: true }).click())
      assert.strictEqual(((yield* on(() => page.evaluate("copied"))) as string).trim(), "npm start\nnpm test")
    })
  )
})
