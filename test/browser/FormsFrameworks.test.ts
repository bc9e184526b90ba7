/**
 * A form on a page that a framework changes.
 */
import { assert, describe } from "@effect/vitest"
import { Effect } from "effect"
import { inChromium } from "../support/browser/Browser.ts"
import { fields, fill, isSubmit, make, press, says } from "../support/browser/BrowserForm.ts"
import { layer as testServer } from "../support/TestServer.ts"
import { until } from "../support/Wait.ts"

inChromium("a form that a framework changes", testServer(), (it) => {
  describe("with a fieldset", () => {
    const disableWhileSending = `addEventListener("hydracore:submit", () => { group.disabled = true })
      addEventListener("hydracore:success", () => { group.disabled = false })`
    const group = `<fieldset id="group">
      <input name="name"><select name="days" multiple><option>1<option>2</select><input type="checkbox" name="news">
      <button>Send</button></fieldset>`
    const choose = `document.querySelector("option").selected = document.querySelector("[name=news]").checked = true`

    it.effect("is reset after success, even if its fields were disabled while it was sent", () =>
      Effect.gen(function* () {
        const { evaluate, page, sent, status } = yield* make({ fields: group, before: disableWhileSending })
        yield* fill(page, { name: "Ada" })
        yield* evaluate(choose)
        yield* press(page)
        yield* says(status, "Thank you")
        const { hydracore_ms, ...form_data } = sent()[0]!.form_data
        assert.isNumber(hydracore_ms)
        assert.deepStrictEqual(form_data, { name: "Ada", days: "1", news: "on" })
        assert.deepStrictEqual(yield* evaluate("[...new FormData(document.forms[0])].join()"), "name,,hydracore_hp,")
      })
    )

    it.effect("opens the next page, even if its fields were disabled while it was sent", () =>
      Effect.gen(function* () {
        const { page, pages } = yield* make({
          fields: group,
          before: disableWhileSending,
          attributes: `data-next="/thanks"`
        })
        pages["/thanks"] = "<h1>Thanks</h1>"
        yield* fill(page, { name: "Ada" })
        yield* press(page)
        yield* until("the next page", () => page.url().endsWith("/thanks"))
      })
    )

    const changes: ReadonlyArray<readonly [field: string, change: string, kept: string]> = [
      ["a text", `document.querySelector("[name=name]").value = "Grace"`, "name,Grace"],
      ["a choice", `document.querySelectorAll("option")[1].selected = true`, "days,2"],
      ["a box", `document.querySelector("[name=news]").checked = true`, "news,on"]
    ]
    for (const [field, change, kept] of changes) {
      it.effect(`keeps ${field} that was changed while the form was sent`, () =>
        Effect.gen(function* () {
          const { evaluate, page, relay, status } = yield* make({ fields: group })
          let release = () => {}
          const held = new Promise<void>((resolve) => {
            release = resolve
          })
          relay.fault = (received) => (isSubmit(received) ? { _tag: "Hold", until: held } : undefined)
          yield* fill(page, { name: "Ada" })
          yield* press(page)
          yield* evaluate(change)
          release()
          yield* says(status, "Thank you")
          assert.include(yield* evaluate("[...new FormData(document.forms[0])].join(' ')"), kept)
        })
      )
    }
  })

  it.effect("inside a turbo-frame is handled by the enhancer", () =>
    Effect.gen(function* () {
      // As turbo-frames do.
      const frame = `addEventListener("DOMContentLoaded", () => {
        const frame = document.createElement("turbo-frame")
        document.forms[0].before(frame)
        frame.append(document.forms[0])
        frame.addEventListener("submit", (event) => {
          if (event.target.closest("[data-turbo]")?.getAttribute("data-turbo") !== "false") event.preventDefault()
        })
      })`
      const { page, status } = yield* make({ before: frame })
      yield* fill(page, { name: "Ada" })
      yield* press(page)
      yield* says(status, "Thank you")
    })
  )

  it.effect("whose content was replaced is enhanced again", () =>
    Effect.gen(function* () {
      const { evaluate, page, status } = yield* make()
      yield* evaluate(`document.forms[0].innerHTML = ${JSON.stringify(fields)}`)
      yield* until("the honeypot", () =>
        page.evaluate<boolean>("!!document.forms[0].querySelector('[name=hydracore_hp]')")
      )
      yield* fill(page, { name: "Ada" })
      yield* press(page)
      yield* says(status, "Thank you")
      assert.strictEqual(yield* evaluate("document.querySelectorAll('[name=hydracore_hp], [role=status]').length"), 2)
    })
  )

  it.effect("that was copied while sending can be sent", () =>
    Effect.gen(function* () {
      const { evaluate, page, relay, sent, status } = yield* make()
      let release = () => {}
      relay.fault = (received) =>
        isSubmit(received) && sent().length === 1
          ? {
              _tag: "Hold",
              until: new Promise((resolve) => {
                release = resolve
              })
            }
          : undefined
      yield* fill(page, { name: "Ada" })
      yield* press(page)
      yield* says(status, "Sending")
      yield* evaluate("document.body.replaceWith(document.body.cloneNode(true))")
      yield* until("the buttons", () =>
        page.evaluate<boolean>("[...document.querySelectorAll('button')].every(({ disabled }) => !disabled)")
      )
      assert.strictEqual(yield* Effect.promise(status), "")
      assert.deepStrictEqual(
        yield* evaluate("[document.forms[0].dataset.state, document.forms[0].ariaBusy].join()"),
        ","
      )
      yield* press(page)
      yield* says(status, "Thank you")
      assert.strictEqual(sent().length, 2)
      release()
    })
  )
})
