/**
 * A form of React, whose state holds the values of the fields: success resets the fields and the state.
 */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { build } from "esbuild"
import * as Documents from "../docs/Documents.ts"
import { inChromium } from "../support/browser/Browser.ts"
import { fill, press, says, textOf } from "../support/browser/BrowserForm.ts"
import * as BrowserSite from "../support/browser/BrowserSite.ts"
import { paths, layer as testServer } from "../support/TestServer.ts"
import { until } from "../support/Wait.ts"

/**
 * Controlled fields of all kinds, and `free`, which is uncontrolled. Most controlled fields share one state; two have their own.
 * `window.state` is the current state of the controlled fields.
 */
const app = (site: string) => `
  import { createElement as h, useState } from "react"
  import { createRoot } from "react-dom/client"
  const initial = { name: "", message: "", people: "2", tour: "sea", news: false, terms: true, how: "mail" }
  const App = () => {
    const [state, setState] = useState(initial)
    const [email, setEmail] = useState("")
    const [days, setDays] = useState(["sat"])
    window.state = { ...state, email, days }
    const text = (name) => ({ name, value: state[name], onChange: ({ target }) => setState({ ...state, [name]: target.value }) })
    const box = (name) => ({ name, type: "checkbox", checked: state[name], onChange: ({ target }) => setState({ ...state, [name]: target.checked }) })
    const radio = (value) => ({ name: "how", type: "radio", value, checked: state.how === value, onChange: () => setState({ ...state, how: value }) })
    return h("form", { "data-hydracore-form": true, "data-site": "${site}" },
      h("fieldset", null, h("input", text("name"))), h("output", null, "12 EUR"), h("textarea", text("message")), h("input", { type: "number", ...text("people") }),
      h("select", text("tour"), h("option", { value: "sea" }, "Sea"), h("option", { value: "lake" }, "Lake")),
      h("select", { name: "days", multiple: true, value: days, onChange: ({ target }) => setDays(Array.from(target.selectedOptions, ({ value }) => value)) },
        h("option", { value: "sat" }, "Sat"), h("option", { value: "sun" }, "Sun")),
      h("input", box("news")), h("input", box("terms")), h("input", radio("mail")), h("input", radio("phone")),
      h("input", { name: "email", value: email, onChange: ({ target }) => setEmail(target.value) }),
      h("input", { name: "free", defaultValue: "as it is" }),
      h("button", null, "Send"))
  }
  createRoot(document.getElementById("root")).render(h(App))`

const initial = {
  name: "",
  message: "",
  people: "2",
  tour: "sea",
  news: false,
  terms: true,
  how: "mail",
  email: "",
  days: ["sat"]
}

inChromium("a form of React", testServer(), (it) => {
  it.effect("has its initial values after success, in the page and in React's state, and can be sent again", () =>
    Effect.gen(function* () {
      const { edge, errors, evaluate, open, page, pages, relay, script, site } = yield* BrowserSite.make()
      const bundle = yield* Effect.promise(() =>
        build({
          stdin: { contents: app(edge.websiteConfigId), resolveDir: Documents.root },
          bundle: true,
          write: false,
          format: "esm",
          platform: "browser",
          define: { "process.env.NODE_ENV": '"development"' }
        })
      )
      pages["/app.js"] = { body: bundle.outputFiles[0]!.text, headers: { "content-type": "text/javascript" } }
      pages["/contact"] = `<!doctype html><title>Contact</title><div id="root"></div>
        <script type="module" src="/app.js"></script>${script()}`
      yield* open(`${site.url}/contact`)
      yield* until("the enhanced form", () => page.evaluate<boolean>("!!document.querySelector('[name=hydracore_hp]')"))
      for (const round of [1, 2]) {
        yield* fill(page, {
          name: "Ada",
          message: "Two\nlines",
          people: "5",
          email: "ada@example.org",
          free: "changed"
        })
        yield* Effect.promise(async () => {
          await page.locator("[name=tour]").selectOption("lake")
          await page.locator("[name=days]").selectOption(["sat", "sun"])
          await page.locator("[name=news]").check()
          await page.locator("[name=terms]").uncheck()
          await page.locator("[value=phone]").check()
        })
        assert.notDeepEqual(yield* evaluate("state"), initial)
        yield* press(page)
        yield* until("the submission", () => relay.of(paths.submit).length === round)
        yield* says(() => textOf(page, "[role=status]"), "Thank you")
        yield* until(
          "the initial state",
          async () => (await page.evaluate("JSON.stringify(state)")) === JSON.stringify(initial)
        )
        assert.deepStrictEqual(
          yield* evaluate(
            `Object.fromEntries([...new FormData(document.forms[0])].filter(([name]) => name !== "hydracore_hp"))`
          ),
          {
            name: "",
            message: "",
            people: "2",
            tour: "sea",
            days: "sat",
            terms: "on",
            how: "mail",
            email: "",
            free: "as it is"
          }
        )
      }
      assert.strictEqual(yield* Effect.promise(() => textOf(page, "output")), "12 EUR")
      const sent = relay.of(paths.submit).map(({ body }) => (JSON.parse(body) as { form_data: object }).form_data)
      for (const content of sent) {
        assert.deepInclude(content, {
          ...{ name: "Ada", message: "Two\nlines", people: "5", email: "ada@example.org", free: "changed" },
          ...{ tour: "lake", days: ["sat", "sun"], news: "on", how: "phone" }
        })
      }
      assert.deepStrictEqual(errors, [])
    })
  )
})
