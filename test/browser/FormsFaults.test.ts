/**
 * Failed submissions: validation errors, network failures, and refusals by the edge.
 */
import { assert, describe } from "@effect/vitest"
import { Effect } from "effect"
import { inChromium, passTime } from "../support/browser/Browser.ts"
import {
  fill,
  isSubmit,
  make,
  press,
  says,
  stored,
  textOf,
  validationFault,
  valueOf
} from "../support/browser/BrowserForm.ts"
import type { Fault } from "../support/browser/Network.ts"
import { paths, layer as testServer } from "../support/TestServer.ts"
import { until } from "../support/Wait.ts"

inChromium("a form", testServer(), (it) => {
  describe("with the enhancer", () => {
    it.effect("shows the edge's validation errors at their fields", () =>
      Effect.gen(function* () {
        const { errors, evaluate, receivedEvents, keys, page, relay, sent, status } = yield* make()
        let isFirst = true
        relay.fault = (received) => {
          if (!isSubmit(received) || !isFirst) return undefined
          isFirst = false
          return validationFault(
            { loc: ["body", "form_data", "message"], msg: "Value error, <b>too short</b>" },
            { loc: ["body", "email"], msg: "Input should be a valid string" },
            { loc: ["body", "form_data", "unseen"], msg: "is missing" }
          )
        }
        yield* fill(page, { name: "Ada", email: "ada@example.org", message: "x" })
        yield* press(page)
        yield* says(status, "Please check the marked fields. unseen: is missing")
        assert.deepStrictEqual(
          yield* evaluate(`Array.from(document.querySelectorAll("[aria-invalid=true]"), ({ name }) => name)`),
          ["email", "message"]
        )
        assert.strictEqual(
          yield* evaluate(
            `document.getElementById(document.querySelector("[name=message]").getAttribute("aria-describedby")).textContent`
          ),
          "<b>too short</b>"
        )
        assert.strictEqual(yield* evaluate("document.activeElement.name"), "email")
        const [, [name, detail] = []] = yield* Effect.promise(receivedEvents)
        assert.strictEqual(name, "error")
        assert.strictEqual(detail?.["reason"], "invalid")
        // A correction hides the error.
        yield* fill(page, { message: "longer" })
        assert.strictEqual(
          yield* evaluate(`document.querySelector("[name=message]").getAttribute("aria-invalid")`),
          null
        )
        assert.strictEqual(
          yield* evaluate(`document.querySelector("[name=message]").getAttribute("aria-describedby")`),
          null
        )
        yield* press(page)
        yield* says(status, "Thank you")
        assert.strictEqual(yield* evaluate(`document.querySelectorAll("[aria-invalid=true]").length`), 0)
        assert.strictEqual(yield* evaluate(`document.querySelectorAll("[data-hydracore-error]").length`), 0)
        assert.strictEqual(sent().length, 2)
        assert.notStrictEqual(keys()[0], keys()[1])
        assert.lengthOf(errors, 1)
        assert.match(
          errors[0] ?? "",
          /^HydraCore: the edge refused the field "unseen", which this form does not have\./
        )
      })
    )

    it.effect("shows an error in the page's own element, and keeps the field's description", () =>
      Effect.gen(function* () {
        const { evaluate, page, relay, status } = yield* make({
          fields: `<input name="email" aria-describedby="hint"><i id="hint">Never shown</i>
            <b data-hydracore-error="email"></b><button>Send</button>`
        })
        relay.fault = (received) =>
          isSubmit(received) ? validationFault({ loc: ["body", "email"], msg: "No" }) : undefined
        yield* press(page)
        yield* says(status, "Please check")
        assert.strictEqual(yield* evaluate(`document.querySelector("b").textContent`), "No")
        assert.strictEqual(
          yield* evaluate(`document.querySelector("input").getAttribute("aria-describedby")`),
          yield* evaluate(`"hint " + document.querySelector("b").id`)
        )
        yield* fill(page, { email: "x" })
        assert.strictEqual(yield* evaluate(`document.querySelector("b").textContent`), "")
        assert.strictEqual(yield* evaluate(`document.querySelector("input").getAttribute("aria-describedby")`), "hint")
      })
    )

    it.effect("hides errors in the form's setup from the visitor, but not from the page", () =>
      Effect.gen(function* () {
        const { evaluate, receivedEvents, page, status } = yield* make()
        yield* evaluate(`document.forms[0].dataset.site = "foo"`)
        yield* fill(page, { name: "Ada" })
        yield* press(page)
        yield* says(status, "This form does not work")
        assert.notMatch(yield* Effect.promise(status), /UUID|site_id/)
        assert.strictEqual(yield* evaluate("document.forms[0].dataset.state"), "failed")
        const [, [, detail] = []] = yield* Effect.promise(receivedEvents)
        assert.match(
          JSON.stringify(detail),
          /^\{"reason":"invalid","faults":\[\{"message":"Input should be a valid UUID, /
        )
        assert.strictEqual(yield* valueOf(page, "name"), "Ada")
      })
    )

    it.effect("reports that a message is too long", () =>
      Effect.gen(function* () {
        const { page, status } = yield* make()
        yield* fill(page, { name: "Ada", message: "x".repeat(300_000) })
        yield* press(page)
        yield* says(status, "too long")
      })
    )

    it.effect("reports that files cannot be sent", () =>
      Effect.gen(function* () {
        const { page, sent, status } = yield* make({ fields: `<input type="file" name="cv"><button>Send</button>` })
        yield* Effect.promise(() =>
          page.locator("[name=cv]").setInputFiles({ name: "cv.txt", mimeType: "text/plain", buffer: Buffer.from("x") })
        )
        yield* press(page)
        yield* says(status, "Please check")
        assert.strictEqual(
          yield* Effect.promise(() => textOf(page, "[data-hydracore-error=cv]")),
          "Files cannot be sent with this form."
        )
        assert.deepStrictEqual(sent(), [])
      })
    )

    it.effect("keeps the content when the network fails, and sends it when the browser is online again", () =>
      Effect.gen(function* () {
        const { context, errors, evaluate, receivedEvents, page, sent, status } = yield* make({ stoppedClock: true })
        yield* fill(page, { name: "Ada-offline", message: "kept" })
        yield* Effect.promise(() => context.setOffline(true))
        yield* press(page)
        yield* says(status, "kept on this page")
        assert.strictEqual(yield* valueOf(page, "message"), "kept")
        assert.isFalse(yield* evaluate("document.querySelector('button').disabled"))
        assert.deepStrictEqual(sent(), [])
        // The clock is stopped, so only the `online` event can cause the retry.
        yield* Effect.promise(() => context.setOffline(false))
        yield* says(status, "Thank you")
        assert.strictEqual((yield* stored("Ada-offline")).length, 1)
        assert.deepStrictEqual(
          (yield* Effect.promise(receivedEvents)).map(([name, { reason }]) => reason ?? name),
          ["submit", "away", "success"]
        )
        assert.deepStrictEqual(errors, [])
      })
    )

    it.effect("retries after a delay, and is stored once", () =>
      Effect.gen(function* () {
        const { keys, page, relay, sent, status } = yield* make({ stoppedClock: true })
        const faults: Array<Fault> = [
          { _tag: "Cut" },
          { _tag: "Cut" },
          { _tag: "Answer", status: 503 },
          { _tag: "LoseAnswer" }
        ]
        relay.fault = (received) => (isSubmit(received) ? faults.shift() : undefined)
        yield* fill(page, { name: "Ada-again" })
        yield* press(page)
        yield* says(status, "kept on this page")
        yield* until("thanks", async () => {
          await passTime(page, 1000)
          return (await status()).includes("Thank you")
        })
        assert.isAtLeast(sent().length, 5)
        assert.strictEqual(new Set(keys()).size, 1)
        assert.strictEqual(new Set(relay.of(paths.submit).map(({ body }) => body)).size, 1)
        assert.strictEqual((yield* stored("Ada-again")).length, 1)
      })
    )

    it.effect("waits before a retry as Retry-After says, but at most an hour", () =>
      Effect.gen(function* () {
        const { evaluate, fence, page, relay, sent, status } = yield* make({ stoppedClock: true })
        const unavailable = (seconds: number): Fault => ({
          _tag: "Answer",
          status: 503,
          headers: { "retry-after": `${seconds}`, "access-control-expose-headers": "retry-after" }
        })
        const faults = [unavailable(0), unavailable(120), unavailable(864_000)]
        relay.fault = (received) => (isSubmit(received) ? faults.shift() : undefined)
        yield* evaluate(`window.failed = 0
          new MutationObserver(() => { if (document.forms[0].dataset.state === "waiting") failed++ }).observe(
            document.querySelector("[role=status]"), { childList: true })`)
        const waits = (attempts: number) =>
          until(`${attempts} failed attempts`, async () => (await page.evaluate("failed")) === attempts)
        const arrives = (attempts: number) =>
          until(`attempt ${attempts}`, async () => {
            await passTime(page, 1000)
            return sent().length === attempts
          })
        const pass = (seconds: number) => Effect.promise(() => passTime(page, seconds * 1000))
        yield* fill(page, { name: "Ada" })
        yield* press(page)
        yield* waits(1)
        // Not at once, even with `Retry-After: 0`.
        yield* pass(1)
        yield* fence
        assert.strictEqual(sent().length, 1)
        yield* arrives(2)
        yield* waits(2)
        // The `online` event does not matter if the edge has answered.
        yield* evaluate(`dispatchEvent(new Event("online"))`)
        yield* pass(119)
        yield* fence
        assert.strictEqual(sent().length, 2)
        yield* arrives(3)
        yield* waits(3)
        yield* pass(3599)
        yield* fence
        assert.strictEqual(sent().length, 3)
        yield* until("thanks", async () => {
          await passTime(page, 10_000)
          return (await status()).includes("Thank you")
        })
      })
    )

    it.effect("keeps changes made during the wait, as another submission", () =>
      Effect.gen(function* () {
        const { keys, page, relay, status } = yield* make({ stoppedClock: true })
        let down = true
        relay.fault = (received) => (isSubmit(received) && down ? { _tag: "Cut" } : undefined)
        yield* fill(page, { name: "Ada-one" })
        yield* press(page)
        yield* says(status, "kept on this page")
        yield* fill(page, { name: "Ada-two" })
        down = false
        yield* until("thanks", async () => {
          await passTime(page, 1000)
          return (await status()).includes("Thank you")
        })
        assert.strictEqual(yield* valueOf(page, "name"), "Ada-two")
        yield* press(page)
        yield* until("an empty form", () =>
          page.evaluate<boolean>("document.querySelector('[name=name]').value === ''")
        )
        assert.strictEqual((yield* stored("Ada-one")).length, 1)
        assert.strictEqual((yield* stored("Ada-two")).length, 1)
        assert.strictEqual(new Set(keys()).size, 2)
      })
    )

    it.effect("reports rate limits and failures, and keeps the content", () =>
      Effect.gen(function* () {
        const { receivedEvents, keys, page, relay, status } = yield* make()
        const faults: Array<Fault> = [
          {
            _tag: "Answer",
            status: 429,
            headers: { "retry-after": "17", "access-control-expose-headers": "retry-after" }
          },
          { _tag: "Answer", status: 500, body: "<h1>Oh</h1>" },
          { _tag: "Answer", status: 404, body: `{"detail":"No published website has this site_id."}` }
        ]
        relay.fault = (received) => (isSubmit(received) ? faults.shift() : undefined)
        yield* fill(page, { name: "Ada-limited" })
        yield* press(page)
        yield* says(status, "in 17 seconds")
        yield* press(page)
        yield* says(status, "could not be sent")
        yield* press(page)
        yield* until(
          "three errors",
          async () => (await receivedEvents()).filter(([name]) => name === "error").length === 3
        )
        assert.deepStrictEqual(
          (yield* Effect.promise(receivedEvents)).filter(([name]) => name === "error").map(([, detail]) => detail),
          [
            { reason: "limited", seconds: 17 },
            { reason: "refused", status: 500, detail: undefined },
            { reason: "refused", status: 404, detail: "No published website has this site_id." }
          ]
        )
        assert.include(yield* Effect.promise(status), "tell the owner of this website")
        yield* press(page)
        yield* says(status, "Thank you")
        assert.strictEqual(new Set(keys()).size, 1)
        assert.strictEqual((yield* stored("Ada-limited")).length, 1)
      })
    )
  })
})
