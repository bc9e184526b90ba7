/**
 * Forms with unusual buttons, field names and style sheets, and in older browsers.
 */
import { assert, describe } from "@effect/vitest"
import { Effect } from "effect"
import * as Snippet from "../../src/cli/commands/Snippet.ts"
import { inChromium, type VisitorOptions } from "../support/browser/Browser.ts"
import { fill, isSubmit, make, press, says, textOf, validationFault } from "../support/browser/BrowserForm.ts"
import * as BrowserSite from "../support/browser/BrowserSite.ts"
import { layer as testServer } from "../support/TestServer.ts"
import { until } from "../support/Wait.ts"

/** A script with which the first form of a page cannot be enhanced. */
const refusesFirst = `const create = Document.prototype.createElement
  let refused = 0
  Document.prototype.createElement = function (name) {
    if (name === "p" && refused++ === 0) throw new Error("not this one")
    return create.call(this, name)
  }`

inChromium("a form", testServer(), (it) => {
  describe("leaves to the browser", () => {
    const button = (name: string, markup: string, attributes: string, outcome: string) =>
      it.effect(name, () =>
        Effect.gen(function* () {
          const { evaluate, fence, page, pages, sent } = yield* make({
            attributes,
            fields: `<input name="name" value="Ada">${markup}`
          })
          pages["/preview"] = "<h1>Preview</h1>"
          yield* evaluate(`const form = document.forms[0], dialog = document.createElement("dialog")
            form.before(dialog); dialog.append(form); dialog.show()`)
          yield* Effect.promise(() => page.getByRole("button").click())
          yield* until(outcome, () => page.evaluate<boolean>(outcome))
          yield* fence
          assert.deepStrictEqual(sent(), [])
        })
      )
    const closed = `document.querySelector("dialog:not([open])") !== null`
    button("a button that closes a dialog", `<button formmethod="Dialog" formnovalidate>Cancel</button>`, "", closed)
    button("a form that closes a dialog", `<input name="method"><button>Cancel</button>`, `method="dialog"`, closed)
    button(
      "a button that goes elsewhere",
      `<button formaction="/preview" formmethod="get">Preview</button>`,
      `method="post"`,
      `location.pathname === "/preview"`
    )

    it.effect("a form that cannot be enhanced, and enhances the next", () =>
      Effect.gen(function* () {
        const { edge, open, page, pages, relay, script, site } = yield* BrowserSite.make({ before: refusesFirst })
        pages["/own"] = "<p>The page's own</p>"
        const form = `<form data-hydracore-form data-site="${edge.websiteConfigId}" action="/own"><button>Send</button></form>`
        pages["/contact"] = `${form}${form}${script()}`
        yield* open(`${site.url}/contact`)
        yield* until("the second form", () =>
          page.evaluate<boolean>("document.forms[1].querySelector('[role=status]') !== null")
        )
        yield* Effect.promise(() => page.getByRole("button").first().click())
        yield* until("the browser's own way", () => page.url().includes("/own?"))
        assert.deepStrictEqual(relay.received.filter(isSubmit), [])
      })
    )
  })

  it.effect("without an `action` is not sent by the browser, even if it cannot be enhanced", () =>
    Effect.gen(function* () {
      const { edge, open, page, pages, script, site } = yield* BrowserSite.make({ before: refusesFirst })
      const form = (attributes: string) =>
        `<form data-hydracore-form ${attributes}><input name="name" value="Ada"><button>Send</button></form>`
      pages["/contact"] = form("") + form(`data-site="${edge.websiteConfigId}"`) + script()
      yield* open(`${site.url}/contact`)
      yield* until("the second form", () =>
        page.evaluate<boolean>("document.forms[1].querySelector('[role=status]') !== null")
      )
      // The window gets the event after the enhancer.
      const isPrevented = yield* Effect.promise(() =>
        page.evaluate<boolean>(`new Promise((resolve) => {
          addEventListener("submit", (event) => resolve(event.defaultPrevented))
          document.forms[0].requestSubmit()
        })`)
      )
      assert.isTrue(isPrevented)
    })
  )

  it.effect("works with fields of any name", () =>
    Effect.gen(function* () {
      const names = [
        ...["action", "method", "elements", "reset", "submit", "name", "id", "target", "matches", "append", "closest"],
        ...["querySelector", "querySelectorAll", "getAttribute", "setAttribute", "removeAttribute", "hasAttribute"],
        ...["dispatchEvent", "addEventListener", "isConnected", "contains", "children", "style", "nodeType"]
      ]
      const { errors, evaluate, relay, sent, status } = yield* make({
        fields: `${names.map((name) => `<input name="${name}" value="${name}">`).join("")}<button>Send</button>`
      })
      let once = true
      relay.fault = (received) => {
        if (!isSubmit(received) || !once) return undefined
        once = false
        return validationFault({ loc: ["body", "form_data", "closest"], msg: "No" })
      }
      yield* evaluate(`document.querySelector("button").click()`)
      yield* says(status, "Please check")
      assert.strictEqual(yield* evaluate("document.activeElement.name"), "closest")
      yield* evaluate(`document.querySelector("[name=closest]").value = "closer"`)
      yield* evaluate(`document.querySelector("button").click()`)
      yield* says(status, "Thank you")
      assert.includeMembers(Object.keys(sent()[0]!.form_data), names)
      assert.strictEqual(yield* evaluate(`document.querySelector("[name=closest]").value`), "closest")
      assert.deepStrictEqual(errors, [])
    })
  )

  describe("has an invisible honeypot", () => {
    const hidden = (name: string, options: VisitorOptions, policy: string | undefined) =>
      it.effect(name, () =>
        Effect.gen(function* () {
          const { edge, open, page, pages, relay, script, site } = yield* BrowserSite.make(options)
          const { form } = Snippet.tagsOf({
            baseUrl: relay.url,
            trackingToken: edge.trackingToken,
            websiteConfigId: edge.websiteConfigId,
            chat: null
          })
          pages["/contact"] = {
            body: `<style nonce="n">input { display: block }</style>${form}${script()}`,
            headers: policy === undefined ? {} : { "content-security-policy": policy.replaceAll("EDGE", relay.url) }
          }
          yield* open(`${site.url}/contact`)
          if (options.javaScriptEnabled !== false) {
            yield* until("the enhanced form", async () => (await page.locator("form [role=status]").count()) === 1)
          }
          assert.isTrue(yield* Effect.promise(() => page.locator("[name=name]").isVisible()))
          assert.isFalse(yield* Effect.promise(() => page.locator("[name=hydracore_hp]").isVisible()))
        })
      )
    hidden("without JavaScript", { javaScriptEnabled: false }, undefined)
    hidden(
      "under a strict Content-Security-Policy",
      {},
      "default-src 'none'; script-src EDGE; connect-src EDGE; style-src 'nonce-n'"
    )
  })

  it.effect("names the fields in its message if the script that marks them cannot be loaded", () =>
    Effect.gen(function* () {
      const { page, relay, status } = yield* make()
      let isCut = true
      relay.fault = (received) =>
        isSubmit(received)
          ? validationFault({ loc: ["body", "form_data", "message"], msg: "Value error, too short" })
          : isCut && received.path.includes("forms-faults")
            ? { _tag: "Cut" }
            : undefined
      yield* fill(page, { name: "Ada", message: "x" })
      yield* press(page)
      yield* until("the message", async () => (await status()) === "message: too short")
      assert.isTrue(yield* Effect.promise(() => page.getByRole("button").isEnabled()))
      isCut = false
      yield* press(page)
      yield* says(status, "Please check the marked fields.")
    })
  )

  it.effect("is sent by older browsers, with the pressed button", () =>
    Effect.gen(function* () {
      const { errors, page, relay, sent, status } = yield* make({
        before: `delete AbortSignal.timeout; delete Array.prototype.at
          window.FormData = class extends FormData { constructor(form) { super(form) } }`,
        fields: `<input name="name"><button name="how" value="now">Send</button>`
      })
      let once = true
      relay.fault = (received) => {
        if (!isSubmit(received) || !once) return undefined
        once = false
        return validationFault({ loc: ["body", "form_data", "name"], msg: "No" })
      }
      yield* press(page)
      yield* until("the fault", async () => (await textOf(page, "[data-hydracore-error=name]")) === "No")
      yield* fill(page, { name: "Ada" })
      yield* press(page)
      yield* says(status, "Thank you")
      assert.strictEqual(sent()[1]?.form_data["how"], "now")
      assert.deepStrictEqual(errors, [])
    })
  )
})
