/**
 * Submissions with the form enhancer and without JavaScript. `FormsFaults.test.ts` has those that fail.
 */
import { assert, describe } from "@effect/vitest"
import { Effect } from "effect"
import * as Snippet from "../../src/cli/commands/Snippet.ts"
import { SiteDirectory } from "../../src/sites/SiteDirectory.ts"
import { inChromium, passTime } from "../support/browser/Browser.ts"
import { fields, fill, isSubmit, make, press, says, stored, textOf, valueOf } from "../support/browser/BrowserForm.ts"
import * as BrowserSite from "../support/browser/BrowserSite.ts"
import { layer as testServer } from "../support/TestServer.ts"
import { until } from "../support/Wait.ts"

inChromium("a form", testServer(), (it) => {
  describe("with the enhancer", () => {
    it.effect("is sent as JSON with an idempotency key and stored; then it shows a message and is reset", () =>
      Effect.gen(function* () {
        const { edge, errors, receivedEvents, keys, page, sent, status } = yield* make()
        // With the keys and the pointer of a visitor. Other tests act by scripts.
        yield* Effect.promise(async () => {
          await page.getByLabel("Name").pressSequentially("Ada-plain")
          await page.getByLabel("Email").fill("ada@example.org")
          await page.getByLabel("Message").fill('Hello\n"you"')
          await page.getByRole("button", { name: "Send" }).click()
        })
        yield* says(status, "Thank you")
        assert.strictEqual(sent().length, 1)
        const { form_data, ...rest } = sent()[0]!
        assert.deepStrictEqual(rest, { site_id: edge.websiteConfigId, email: "ada@example.org", page_slug: "contact" })
        const { hydracore_ms, ...typed } = form_data
        assert.deepStrictEqual(typed, { name: "Ada-plain", email: "ada@example.org", message: 'Hello\n"you"' })
        assert.isAtLeast(hydracore_ms as number, 0)
        assert.match(`${keys()[0]}`, /^[0-9a-f]{32}$/)
        const [submission, ...others] = yield* stored("Ada-plain")
        assert.strictEqual(others.length, 0)
        assert.deepStrictEqual(JSON.parse(submission!.formData), typed)
        const events = yield* Effect.promise(receivedEvents)
        assert.deepStrictEqual(
          events.map(([name]) => name),
          ["submit", "success"]
        )
        assert.strictEqual(events[1]?.[1]["submission_id"], submission!.submissionId)
        assert.strictEqual(yield* valueOf(page, "name"), "")
        assert.deepStrictEqual(errors, [])
      })
    )

    it.effect("sends the pressed button and fields of any name, and repeated fields as an array", () =>
      Effect.gen(function* () {
        const { errors, page, sent, status } = yield* make({
          fields: `<input type="checkbox" name="topic" value="a" checked><input type="checkbox" name="topic" value="b" checked>
            <input name="elements" value="1"><input name="reset" value="2"><input name="__proto__" value="3">
            <input type="file" name="empty"><button name="how" value="now">Send</button>`
        })
        yield* press(page)
        yield* says(status, "Thank you")
        const { hydracore_ms: _, ...typed } = sent()[0]!.form_data
        assert.deepStrictEqual(Object.entries(typed), [
          ["topic", ["a", "b"]],
          ["elements", "1"],
          ["reset", "2"],
          ["__proto__", "3"],
          ["how", "now"]
        ])
        assert.deepStrictEqual(errors, [])
      })
    )

    it.effect("sends fifty fields, the edge's limit", () =>
      Effect.gen(function* () {
        const { page, sent, status } = yield* make({
          fields: `${Array.from({ length: 50 }, (_, index) => `<input name="f${index}" value="x">`).join("")}<button>Send</button>`
        })
        yield* press(page)
        yield* says(status, "Thank you")
        assert.strictEqual(Object.keys(sent()[0]!.form_data).length, 50)
      })
    )

    it.effect("disables its button and shows a message while it is sent", () =>
      Effect.gen(function* () {
        const { evaluate, page, relay, sent, status } = yield* make()
        let release = () => {}
        const held = new Promise<void>((resolve) => {
          release = resolve
        })
        relay.fault = (received) => (isSubmit(received) ? { _tag: "Hold", until: held } : undefined)
        yield* fill(page, { name: "Ada" })
        yield* press(page)
        yield* says(status, "Sending")
        yield* until("the request", () => sent().length === 1)
        assert.isTrue(yield* evaluate("document.querySelector('button').disabled"))
        // Enter in a field does not send it again.
        yield* evaluate("document.forms[0].requestSubmit()")
        release()
        yield* says(status, "Thank you")
        assert.isFalse(yield* evaluate("document.querySelector('button').disabled"))
        assert.strictEqual(yield* evaluate("document.activeElement.tagName"), "BUTTON")
        assert.strictEqual(sent().length, 1)
      })
    )

    it.effect("lets the page change a submission, and cancel each step", () =>
      Effect.gen(function* () {
        const { evaluate, fence, receivedEvents, page, relay, sent, status } = yield* make({ stoppedClock: true })
        yield* fill(page, { name: "Ada" })
        yield* evaluate(
          `document.forms[0].addEventListener("hydracore:submit", (event) => event.preventDefault(), { once: true })`
        )
        yield* press(page)
        yield* fence
        assert.deepStrictEqual(sent(), [])
        yield* evaluate(`addEventListener("hydracore:submit", ({ detail }) => { detail.content.form_data.added = [1] }, { once: true })
          addEventListener("hydracore:error", (event) => event.preventDefault(), { once: true })`)
        relay.fault = (received) => (isSubmit(received) ? { _tag: "Cut" } : undefined)
        yield* press(page)
        yield* until("the error", async () => (await receivedEvents()).some(([name]) => name === "error"))
        const attempts = sent().length
        assert.deepStrictEqual(sent()[0]?.form_data["added"], [1])
        // Because the page canceled the error, the enhancer shows no message and does not retry.
        assert.strictEqual(yield* Effect.promise(status), "Sending…")
        yield* Effect.promise(() => passTime(page, 120_000))
        yield* fence
        assert.strictEqual(sent().length, attempts)
        relay.fault = () => undefined
        yield* evaluate(`addEventListener("hydracore:success", (event) => event.preventDefault(), { once: true })`)
        yield* press(page)
        yield* until("success", async () => (await receivedEvents()).some(([name]) => name === "success"))
        assert.strictEqual(yield* valueOf(page, "name"), "Ada")
      })
    )

    it.effect("ignores submissions that the page handles, and forms that the browser posts elsewhere", () =>
      Effect.gen(function* () {
        const { evaluate, fence, page, pages, sent } = yield* make()
        pages["/own"] = "<p>The page's own</p>"
        yield* evaluate(
          `document.forms[0].addEventListener("submit", (event) => event.preventDefault(), { once: true })`
        )
        yield* fill(page, { name: "Ada" })
        yield* press(page)
        yield* fence
        assert.deepStrictEqual(sent(), [])
        yield* evaluate(`document.forms[0].removeAttribute("data-site")
          document.forms[0].action = "/own"; document.forms[0].method = "post"`)
        yield* press(page)
        yield* until("the page to which the browser posts", () => page.url().endsWith("/own"))
        assert.deepStrictEqual(sent(), [])
      })
    )

    it.effect("uses the page's own texts and status element, and opens the next page", () =>
      Effect.gen(function* () {
        const { evaluate, page, pages, relay, sent } = yield* make({
          attributes: `data-text-sending="Wird gesendet" data-text-failed="Nicht gesendet" data-next="/thanks"`,
          fields: `<p data-hydracore-status role="alert"></p>${fields}`
        })
        pages["/thanks"] = "<h1>Danke</h1>"
        relay.fault = (received) =>
          isSubmit(received) && sent().length === 1 ? { _tag: "Answer", status: 500 } : undefined
        yield* fill(page, { name: "Ada" })
        yield* press(page)
        yield* until("the failure", async () => (await textOf(page, "[role=alert]")) === "Nicht gesendet")
        assert.strictEqual(yield* evaluate(`document.querySelectorAll("[data-hydracore-status]").length`), 1)
        assert.strictEqual(yield* evaluate(`document.forms[0].dataset.state`), "failed")
        yield* press(page)
        yield* until("the next page", () => page.url().endsWith("/thanks"))
      })
    )

    it.effect("has a honeypot that people and autofill do not reach", () =>
      Effect.gen(function* () {
        const { evaluate, page, sent, status } = yield* make()
        const trap = page.locator("[name=hydracore_hp]")
        const box = yield* Effect.promise(() => page.locator("[aria-hidden=true]").boundingBox())
        assert.isAtMost((box?.width ?? 0) * (box?.height ?? 0), 1)
        assert.strictEqual(yield* Effect.promise(() => trap.getAttribute("autocomplete")), "off")
        const reached: Array<unknown> = []
        for (let index = 0; index < 6; index++) {
          yield* Effect.promise(() => page.keyboard.press("Tab"))
          reached.push(yield* evaluate("document.activeElement.name"))
        }
        assert.include(reached, "email")
        assert.notInclude(reached, "hydracore_hp")
        yield* fill(page, { name: "Bot-ada" })
        yield* evaluate(`document.querySelector("[name=hydracore_hp]").value = "http://spam.test"`)
        yield* press(page)
        // Bots see the same response.
        yield* says(status, "Thank you")
        assert.strictEqual(sent()[0]?.form_data["hydracore_hp"], "http://spam.test")
      })
    )

    it.effect("works for a form that is added later, and through the website's proxy", () =>
      Effect.gen(function* () {
        const { edge, evaluate, open, page, pages, relay, site } = yield* BrowserSite.make({ forwards: "/anything" })
        pages["/"] = `<script defer src="/anything/v1/public/embed.js"></script><main></main>`
        yield* open(`${site.url}/`)
        yield* evaluate(
          `document.querySelector("main").innerHTML = ${JSON.stringify(
            `<form data-hydracore-form data-site="${edge.websiteConfigId}">${fields}</form>`
          )}`
        )
        yield* until("the form", () => page.evaluate<boolean>("!!document.querySelector('[name=hydracore_hp]')"))
        yield* fill(page, { name: "Ada-proxied" })
        yield* press(page)
        yield* says(() => textOf(page, "[role=status]"), "Thank you")
        assert.strictEqual((yield* stored("Ada-proxied")).length, 1)
        assert.deepStrictEqual(relay.received, [])
      })
    )
  })

  describe("without JavaScript", () => {
    for (const enctype of ["application/x-www-form-urlencoded", "multipart/form-data"]) {
      it.effect(`is sent as ${enctype} and stored, with a thank-you page`, () =>
        Effect.gen(function* () {
          const { edge, open, page, pages, relay, site } = yield* BrowserSite.make({ javaScriptEnabled: false })
          const mark = `Ada-${enctype.length}`
          const { form } = Snippet.tagsOf({
            baseUrl: relay.url,
            trackingToken: edge.trackingToken,
            websiteConfigId: edge.websiteConfigId,
            chat: null
          })
          pages["/contact"] = form.replace("<form ", `<form enctype="${enctype}" `)
          yield* open(`${site.url}/contact`)
          yield* fill(page, { name: mark, email: "ada@example.org", message: "ünïcode & more" })
          yield* press(page)
          yield* until("the thanks", async () => /thank/i.test(await textOf(page, "body")))
          const [submission, ...others] = yield* stored(mark)
          assert.strictEqual(others.length, 0)
          assert.deepStrictEqual(JSON.parse(submission!.formData), {
            name: mark,
            email: "ada@example.org",
            message: "ünïcode & more"
          })
          assert.strictEqual(submission!.email, "ada@example.org")
          assert.strictEqual(submission!.pageSlug, "contact")
        })
      )
    }

    it.effect("leads to a thank-you page with a link back, or to the page of `next`", () =>
      Effect.gen(function* () {
        const { edge, errors, open, page, pages, relay, site } = yield* BrowserSite.make({ javaScriptEnabled: false })
        const { trackingToken, websiteConfigId } = yield* SiteDirectory.use((sites) =>
          sites.create({ name: "Shop", origins: [site.url] })
        )
        assert.notStrictEqual(websiteConfigId, edge.websiteConfigId)
        const { form } = Snippet.tagsOf({ baseUrl: relay.url, trackingToken, websiteConfigId, chat: null })
        pages["/"] = "<h1>The home page, which knows nothing of forms</h1>"
        pages["/thanks"] = "<h1>Danke</h1>"
        pages["/contact"] = form
        // By default, browsers send no path in the Referer header to another origin.
        pages["/with-referrer"] = `<meta name="referrer" content="unsafe-url">${form}`
        const withNext = form.replace("&amp;page=contact", `&amp;page=contact&amp;next=${site.url}/thanks`)
        assert.notStrictEqual(withNext, form)
        pages["/with-next"] = {
          body: withNext,
          headers: { "content-security-policy": `form-action 'self' ${relay.url}` }
        }
        const send = Effect.fnUntraced(function* (path: string) {
          yield* open(`${site.url}${path}`)
          yield* fill(page, { name: "Ada", email: "ada@example.org", message: path })
          yield* press(page)
          yield* until("another page", () => page.url() !== `${site.url}${path}`)
          return yield* Effect.promise(() => page.locator("h1").textContent())
        })
        const back = page.getByRole("link", { name: "Back to www.shop.test" })
        for (const [path, backUrl] of [
          ["/contact", `${site.url}/`],
          ["/with-referrer", `${site.url}/with-referrer`]
        ] as const) {
          assert.strictEqual(yield* send(path), "Thank you")
          assert.include(yield* Effect.promise(() => textOf(page, "body")), "Your message has arrived.")
          yield* Effect.promise(() => back.click())
          yield* until("the website again", () => page.url() === backUrl)
        }
        assert.strictEqual(yield* send("/with-next"), "Danke")
        assert.strictEqual(page.url(), `${site.url}/thanks`)
        assert.deepStrictEqual(errors, [])
      })
    )
  })
})
