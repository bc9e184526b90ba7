/**
 * Forms that their owner has not set up: the browser's console tells the owner what to do, and the visitor's input is kept.
 */
import { assert, describe } from "@effect/vitest"
import { Effect } from "effect"
import { SiteDirectory } from "../../src/sites/SiteDirectory.ts"
import { inChromium } from "../support/browser/Browser.ts"
import { fields, fill, press, says, textOf } from "../support/browser/BrowserForm.ts"
import * as BrowserSite from "../support/browser/BrowserSite.ts"
import { paths, TestServer, layer as testServer } from "../support/TestServer.ts"
import { until } from "../support/Wait.ts"

const advice = "Set its data-site to the website_config_id that `hydracore site list` shows."

/**
 * Opens a page with a form whose tag has these attributes, fills the form in, and presses the button. Asserts that the page
 * says that the form does not work, and keeps the input.
 */
const sendForm = Effect.fnUntraced(function* (attributes: string) {
  const site = yield* BrowserSite.make()
  const { open, page, pages, relay, script } = site
  pages["/contact"] = `<title>Contact</title><form data-hydracore-form ${attributes}>${fields}</form>${script()}`
  yield* open(`${site.site.url}/contact`)
  yield* until("the enhanced form", () => page.evaluate<boolean>("!!document.querySelector('[role=status]')"))
  yield* fill(page, { name: "Ada", message: "Do you have a table?" })
  yield* press(page)
  yield* says(() => textOf(page, "[role=status]"), "This form does not work. Please tell the owner of this website.")
  assert.strictEqual(page.url(), `${site.site.url}/contact`)
  assert.deepStrictEqual(
    yield* site.evaluate("Array.from(document.forms[0].elements, ({ name, value }) => name && value).slice(0, 3)"),
    ["Ada", "", "Do you have a table?"]
  )
  return { ...site, sent: () => relay.of(paths.submit) }
})

/** The message in the browser's console about a form, without the form itself. */
const consoleMessage = (errors: ReadonlyArray<string>) =>
  Effect.map(
    until("a message in the console", () => errors.find((text) => text.startsWith("HydraCore:"))),
    (text) => text.replace(/ (JSHandle@)?(node|<form|\[object HTMLFormElement\]).*$/s, "")
  )

inChromium("a form that is not set up", testServer(), (it) => {
  describe("without data-site", () => {
    for (const attributes of ["", `method="get" action="/search"`, `method="post"`, `data-site=""`]) {
      it.effect(`is sent neither by the script nor by the browser: <form ${attributes}>`, () =>
        Effect.gen(function* () {
          const { errors, sent } = yield* sendForm(attributes)
          assert.strictEqual(yield* consoleMessage(errors), `HydraCore: this form cannot be sent. ${advice}`)
          assert.deepStrictEqual(sent(), [])
        })
      )
    }
  })

  it.effect("with the tracking token in place of the website_config_id, names the id to set", () =>
    Effect.gen(function* () {
      const { trackingToken } = yield* TestServer
      const { errors } = yield* sendForm(`data-site="${trackingToken}"`)
      assert.match(
        yield* consoleMessage(errors),
        /^HydraCore: this form cannot be sent\. No published website has this site_id\./
      )
      assert.include(yield* consoleMessage(errors), advice)
    })
  )

  it.effect("with an invalid id, names the id to set", () =>
    Effect.gen(function* () {
      const { errors } = yield* sendForm(`data-site="my-shop"`)
      const text = yield* consoleMessage(errors)
      assert.match(text, /^HydraCore: this form cannot be sent\. Input should be a valid UUID/)
      assert.include(text, advice)
    })
  )

  it.effect("on an origin that the website does not allow, names the command that allows it", () =>
    Effect.gen(function* () {
      const site = yield* SiteDirectory.use((sites) => sites.create({ name: "Own", origins: ["https://own.example"] }))
      const { errors } = yield* sendForm(`data-site="${site.websiteConfigId}"`)
      const text = yield* consoleMessage(errors)
      assert.include(text, "`hydracore site update`")
      assert.notInclude(text, "data-site")
    })
  )
})
