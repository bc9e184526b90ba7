/**
 * A form that is retried while its visitor does something else: it neither moves the focus, nor opens the next page, nor is
 * stored twice.
 */
import { assert, describe } from "@effect/vitest"
import { Effect } from "effect"
import { inChromium, passTime } from "../support/browser/Browser.ts"
import { fields, fill, isSubmit, make, press, says, stored, validationFault } from "../support/browser/BrowserForm.ts"
import type { Fault } from "../support/browser/Network.ts"
import { layer as testServer } from "../support/TestServer.ts"
import { until } from "../support/Wait.ts"

const elsewhere = `<textarea id="elsewhere"></textarea>`

/** A form whose attempts meet these faults, one each, and which waits to retry after the first. */
const waiting = Effect.fnUntraced(function* (attributes: string, first: Fault, ...then: ReadonlyArray<Fault>) {
  // A field after the form.
  const form = yield* make({ attributes, stoppedClock: true, fields: `${fields}</form>${elsewhere}` })
  const faults = [first, ...then]
  form.relay.fault = (received) => (isSubmit(received) ? faults.shift() : undefined)
  yield* fill(form.page, { name: "Ada", email: "ada@example.org" })
  yield* press(form.page)
  yield* says(form.status, "kept on this page")
  return {
    ...form,
    /** Advances the page's clock until `script` is true in the page. */
    runUntil: (script: string) =>
      until(script, async () => {
        try {
          await passTime(form.page, 1000)
          return await form.page.evaluate<boolean>(script)
        } catch {
          // A page that is being left does not respond, the next one does.
          return false
        }
      })
  }
})

const unavailable: Fault = { _tag: "Answer", status: 503 }

const unavailableFor = (seconds: number): Fault => ({
  _tag: "Answer",
  status: 503,
  headers: { "retry-after": `${seconds}`, "access-control-expose-headers": "retry-after" }
})

inChromium("a retried form", testServer(), (it) => {
  describe("shows errors", () => {
    const fault = validationFault({ loc: ["body", "email"], msg: "No" })

    it.effect("and focuses the first one if the visitor is waiting", () =>
      Effect.gen(function* () {
        const { evaluate, runUntil } = yield* waiting("", unavailable, fault)
        yield* runUntil(`document.forms[0].dataset.state === "invalid"`)
        assert.strictEqual(yield* evaluate("document.activeElement.name"), "email")
      })
    )

    it.effect("and keeps the focus where the visitor is typing", () =>
      Effect.gen(function* () {
        const { evaluate, page, runUntil } = yield* waiting("", unavailable, fault)
        yield* Effect.promise(() => page.locator("#elsewhere").pressSequentially("Half a wo"))
        yield* runUntil(`document.forms[0].dataset.state === "invalid"`)
        assert.strictEqual(yield* evaluate("document.activeElement.id"), "elsewhere")
        assert.strictEqual(yield* evaluate(`document.querySelector("[aria-invalid=true]").name`), "email")
      })
    )
  })

  describe("opens the next page", () => {
    const next = (name: string, opensNext: boolean, first: Fault, meanwhile: string) =>
      it.effect(name, () =>
        Effect.gen(function* () {
          const { evaluate, fence, page, pages, runUntil, site } = yield* waiting(`data-next="/thanks"`, first)
          pages["/thanks"] = "<h1>Thanks</h1>"
          yield* evaluate(`document.forms[0].addEventListener("hydracore:success", () => { window.arrived = true })
            ${meanwhile}`)
          yield* runUntil(`location.pathname === "/thanks" || window.arrived === true`)
          if (opensNext) yield* until("the next page", () => page.url().endsWith("/thanks"))
          else {
            yield* fence
            assert.deepStrictEqual(site.of("/thanks", "GET"), [])
          }
        })
      )

    next("if its visitor waits for it", true, unavailable, "")
    next("not after a long wait", false, unavailableFor(11), "")
    next(
      "not while the visitor writes elsewhere on the page",
      false,
      unavailable,
      `document.querySelector("#elsewhere").focus()`
    )
    next(
      "not if the form was changed meanwhile",
      false,
      unavailable,
      `document.forms[0].elements.message.value = "P.S."`
    )
    next(
      "not from another route, where there is no such form",
      false,
      unavailable,
      `history.pushState({}, "", "/checkout"); document.forms[0].remove()`
    )
  })

  it.effect("a waiting message is stored once, although a file was chosen meanwhile and removed again", () =>
    Effect.gen(function* () {
      const { fence, page, relay, sent, status } = yield* make({
        fields: `<input name="name"><input type="file" name="cv"><button>Send</button>`,
        stoppedClock: true
      })
      const faults = [unavailable]
      relay.fault = (received) => (isSubmit(received) ? faults.shift() : undefined)
      const choose = (...names: ReadonlyArray<string>) =>
        Effect.promise(() =>
          page
            .locator("[name=cv]")
            .setInputFiles(names.map((name) => ({ name, mimeType: "text/plain", buffer: Buffer.from("x") })))
        )
      yield* fill(page, { name: "Ada-file" })
      yield* press(page)
      yield* says(status, "kept on this page")
      yield* choose("cv.txt")
      yield* press(page)
      yield* says(status, "Please check")
      yield* choose()
      yield* press(page)
      yield* says(status, "Thank you")
      yield* Effect.promise(() => passTime(page, 10_000))
      yield* fence
      assert.lengthOf(sent(), 2)
      assert.lengthOf(yield* stored("Ada-file"), 1)
    })
  )
})
