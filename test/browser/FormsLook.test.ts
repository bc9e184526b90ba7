/**
 * The default look of forms, and of the pages that answer forms without JavaScript: axe-core finds no violation, and the
 * page's own style sheet prevails.
 */
import { assert, describe } from "@effect/vitest"
import { Effect } from "effect"
import type { Page } from "playwright-core"
import { FormDirectory } from "../../src/forms/FormRules.ts"
import { violationsInBothSchemes, violationsInOtherWidth } from "../support/browser/Axe.ts"
import { inChromium } from "../support/browser/Browser.ts"
import { fill, isSubmit, press, says, textOf } from "../support/browser/BrowserForm.ts"
import * as BrowserSite from "../support/browser/BrowserSite.ts"
import type { Fault } from "../support/browser/Network.ts"
import { TestServer, onPostgres as testServer } from "../support/TestServer.ts"
import { until } from "../support/Wait.ts"

const rules = { name: { required: true }, email: { email: true, message: "Bitte eine E-Mail-Adresse eingeben." } }

/** Sets the rules of the form "contact", once for all tests. */
const withRules = Effect.gen(function* () {
  const { websiteConfigId } = yield* TestServer
  const forms = yield* FormDirectory
  yield* Effect.ignore(forms.put({ websiteConfigId, page: "contact", rules }))
  return websiteConfigId
})

interface Options {
  readonly attributes?: string
  readonly style?: string
  readonly policy?: string
  readonly colorScheme?: "light" | "dark"
  /** Whether the page declares that it supports light and dark. Default: true. */
  readonly declaresSchemes?: boolean
  readonly width?: number
}

/** A page with the form "contact", enhanced and with its style sheet. */
const make = Effect.fnUntraced(function* (options: Options = {}) {
  const { attributes = "", colorScheme = "light", declaresSchemes = true, policy, style = "", width = 800 } = options
  const websiteConfigId = yield* withRules
  const site = yield* BrowserSite.make({ colorScheme, viewport: { width, height: 700 } })
  const { open, page, pages, relay, script } = site
  pages["/contact"] = {
    headers: policy === undefined ? {} : { "content-security-policy": policy.replaceAll("EDGE", relay.url) },
    body: `<!doctype html><html lang="en"><head><title>Contact</title>
      ${declaresSchemes ? `<meta name="color-scheme" content="light dark">` : ""}
      ${style === "" ? "" : `<style>${style}</style>`}</head><body><main><h1>Contact</h1>
      <form data-hydracore-form data-site="${websiteConfigId}" data-page="contact" ${attributes}>
        <label>Name <input name="name"></label><label>Email <input name="email"></label>
        <button>Send</button></form></main>${script()}</body></html>`
  }
  yield* open(`${site.site.url}/contact`)
  yield* until("the enhanced form", () => page.evaluate<boolean>("!!document.querySelector('[name=hydracore_hp]')"))
  if (!attributes.includes("off"))
    yield* until("the style sheet", () => page.evaluate("document.adoptedStyleSheets.length"))
  const status = () => textOf(page, "[role=status]")
  const styleOf = (selector: string, property: string) =>
    Effect.promise(() =>
      page.evaluate<string>(`getComputedStyle(document.querySelector("${selector}")).getPropertyValue("${property}")`)
    )
  return { ...site, status, styleOf }
})

const assertNoViolations = (page: Page, state: string, check = violationsInBothSchemes) =>
  Effect.map(
    Effect.promise(() => check(page)),
    (found) => assert.deepStrictEqual(found, [], state)
  )

inChromium("a form's default look", testServer(), (it) => {
  for (const [width, colors, check] of [
    [800, " in light and dark mode", violationsInBothSchemes],
    [320, "", violationsInOtherWidth]
  ] as const) {
    it.effect(`has no violations${colors}, ${width} pixels wide`, () =>
      Effect.gen(function* () {
        const { page, relay, status } = yield* make({ width })
        yield* press(page)
        yield* says(status, "Please check the marked fields.")
        yield* assertNoViolations(page, "invalid", check)
        const sends = Effect.fnUntraced(function* (fault: Fault | undefined, text: string) {
          relay.fault = (received) => (isSubmit(received) ? fault : undefined)
          yield* press(page)
          yield* says(status, text)
          yield* assertNoViolations(page, text, check)
        })
        yield* fill(page, { name: "Ada" })
        yield* sends({ _tag: "Answer", status: 500 }, "could not be sent")
        yield* sends(undefined, "Thank you")
        const held = Promise.withResolvers<void>()
        yield* fill(page, { name: "Grace" })
        yield* sends({ _tag: "Hold", until: held.promise }, "Sending")
        held.resolve()
        yield* says(status, "Thank you")
        // Comes last, because the page itself sends a kept form again.
        yield* fill(page, { name: "Edsger" })
        yield* sends({ _tag: "Answer", status: 503 }, "kept on this page")
      })
    )
  }

  it.effect("shows each broken rule at its field, and focuses the first of these fields", () =>
    Effect.gen(function* () {
      const { evaluate, page, status } = yield* make()
      yield* fill(page, { email: "ada" })
      yield* press(page)
      yield* says(status, "Please check the marked fields.")
      const described = (name: string) =>
        evaluate(
          `document.getElementById(document.querySelector("[name=${name}]").getAttribute("aria-describedby")).textContent`
        )
      assert.strictEqual(yield* described("name"), "Please fill in this field.")
      assert.strictEqual(yield* described("email"), rules.email.message)
      assert.strictEqual(yield* evaluate("document.activeElement.name"), "name")
      yield* fill(page, { name: "Ada", email: "ada@example.org" })
      yield* press(page)
      yield* says(status, "Thank you")
    })
  )

  describe("beside the page's own style", () => {
    const white = "rgb(255, 255, 255)"

    it.effect("is dark only if the page declares that it can be dark", () =>
      Effect.gen(function* () {
        const lightness = Effect.fnUntraced(function* (options: Options) {
          const { page, status, styleOf } = yield* make(options)
          yield* press(page)
          yield* says(status, "Please check")
          const [red = 0] = /\d+/.exec(yield* styleOf("[role=status]", "background-color")) ?? []
          return Number(red)
        })
        assert.isAbove(yield* lightness({ colorScheme: "light" }), 200)
        assert.isBelow(yield* lightness({ colorScheme: "dark" }), 100)
        assert.isAbove(yield* lightness({ colorScheme: "dark", declaresSchemes: false }), 200)
      })
    )

    it.effect("survives a reset, and gives way to a rule for the form's elements", () =>
      Effect.gen(function* () {
        const style = `* { margin: 0; padding: 0 } p, span { background: #fff; padding: 0 }
          [data-hydracore-status] { color: rgb(1, 2, 3) } [data-hydracore-error] { background: rgb(4, 5, 6) }`
        const { page, status, styleOf } = yield* make({ style })
        yield* press(page)
        yield* says(status, "Please check")
        assert.notStrictEqual(yield* styleOf("[role=status]", "background-color"), white)
        assert.notStrictEqual(yield* styleOf("[role=status]", "padding-top"), "0px")
        assert.strictEqual(yield* styleOf("[role=status]", "color"), "rgb(1, 2, 3)")
        assert.strictEqual(yield* styleOf("[data-hydracore-error]", "background-color"), "rgb(4, 5, 6)")
      })
    )

    it.effect("is absent with data-style=off: no style sheet is loaded", () =>
      Effect.gen(function* () {
        const { evaluate, page, relay, status, styleOf } = yield* make({ attributes: `data-style="off"` })
        yield* press(page)
        yield* says(status, "Please check")
        assert.strictEqual(yield* evaluate("document.adoptedStyleSheets.length"), 0)
        assert.strictEqual(yield* styleOf("[role=status]", "padding-top"), "0px")
        assert.isFalse(relay.received.some(({ path }) => path.endsWith(".css")))
      })
    )

    it.effect("applies under a strict Content-Security-Policy", () =>
      Effect.gen(function* () {
        const { errors, page, status, styleOf } = yield* make({
          policy: "default-src 'none'; script-src EDGE; connect-src EDGE; require-trusted-types-for 'script'"
        })
        yield* press(page)
        yield* says(status, "Please check")
        assert.notStrictEqual(yield* styleOf("[role=status]", "padding-top"), "0px")
        assert.deepStrictEqual(errors, [])
      })
    )
  })

  it.effect("the pages for forms without JavaScript have no violations in light and dark mode", () =>
    Effect.gen(function* () {
      const websiteConfigId = yield* withRules
      const { open, page, pages, relay, site } = yield* BrowserSite.make({ bypassCSP: true })
      pages["/contact"] =
        `<form method="post" action="${relay.url}/v1/public/forms/submit?site=${websiteConfigId}&amp;page=contact">
          <input name="name"><input name="email"><button>Send</button></form>`
      yield* open(`${site.url}/contact`)
      yield* fill(page, { email: "ada" })
      yield* press(page)
      yield* until("the refusal", async () => (await page.title()) === "This form was not sent")
      assert.deepStrictEqual(yield* Effect.promise(() => page.locator("li").allInnerTexts()), [
        "name\nPlease fill in this field.",
        `email\n${rules.email.message}`
      ])
      yield* assertNoViolations(page, "refused")
      yield* open(`${site.url}/contact`)
      yield* fill(page, { name: "Ada", email: "ada@example.org" })
      yield* press(page)
      yield* until("the thanks", async () => (await page.title()) === "Thank you")
      yield* assertNoViolations(page, "thanks")
    })
  )
})
