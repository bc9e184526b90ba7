/**
 * What a form does for its visitor, with the enhancer and without.
 */
import { assert, describe } from "@effect/vitest"
import { Effect, Stream } from "effect"
import type { Page } from "playwright-core"
import { SubmissionRepo } from "../../src/services/SubmissionRepo.ts"
import { paths, TestServer, layer as testServer } from "../http/TestServer.ts"
import { inChromium, until, type VisitorOptions } from "./Browser.ts"
import * as BrowserSite from "./BrowserSite.ts"
import type { Fault, Received } from "./Network.ts"

const fields = `
  <label>Name <input name="name" required></label>
  <label>Email <input name="email" type="email"></label>
  <label>Message <textarea name="message"></textarea></label>
  <button>Send</button>`

interface Sent {
  readonly site_id: string
  readonly form_data: Record<string, unknown>
  readonly email?: string
  readonly page_slug?: string
}

/** A page with an enhanced form, open. */
const make = Effect.fnUntraced(function* (
  options: VisitorOptions & {
    readonly attributes?: string
    readonly fields?: string
    readonly before?: string
    readonly clock?: boolean
  } = {}
) {
  const { attributes = "", clock = false, fields: inner = fields, ...visitorOptions } = options
  const site = yield* BrowserSite.make(visitorOptions)
  const { edge, open, page, pages, relay, script } = site
  pages["/contact"] = `<title>Contact</title>
    <form data-hydracore-form data-site="${edge.websiteConfigId}" data-page="contact" ${attributes}>${inner}</form>
    ${script()}
    <script>
      window.heard = []
      for (const name of ["submit", "success", "error"])
        addEventListener("hydracore:" + name, (event) => heard.push([name, event.detail]))
    </script>`
  if (clock) yield* Effect.promise(() => page.clock.install())
  yield* open(`${site.site.url}/contact`)
  yield* until("the enhanced form", () => page.evaluate<boolean>("!!document.querySelector('[name=hydracore_hp]')"))
  return {
    ...site,
    /** What was sent, oldest first. */
    sent: (): ReadonlyArray<Sent> => relay.of(paths.submit).map(({ body }) => JSON.parse(body) as unknown as Sent),
    keys: () => relay.of(paths.submit).map(({ headers }) => headers["idempotency-key"]),
    status: () => textOf(page, "[role=status]"),
    heard: () => page.evaluate<ReadonlyArray<[string, Record<string, unknown>]>>("heard")
  }
})

const textOf = async (page: Page, selector: string): Promise<string> =>
  (await page.locator(selector).textContent()) ?? ""

const fill = (page: Page, values: Record<string, string>) =>
  Effect.promise(async () => {
    for (const [name, value] of Object.entries(values)) await page.locator(`[name="${name}"]`).fill(value)
  })

const press = (page: Page) => Effect.promise(() => page.getByRole("button", { name: "Send" }).click())

const isSubmit = ({ method, path }: Received) => method === "POST" && path.startsWith(paths.submit)

const says = (status: () => Promise<string>, text: string) =>
  until(`the form says: ${text}`, async () => (await status()).includes(text))

/** What the edge stored, told by a mark in it. */
const stored = (mark: string) =>
  Effect.gen(function* () {
    const { websiteConfigId } = yield* TestServer
    const all = yield* SubmissionRepo.use((repo) => Stream.runCollect(repo.stream({ websiteConfigId })))
    return all.filter(({ formData }) => formData.includes(mark))
  })

const faults422 = (...faults: ReadonlyArray<{ loc: ReadonlyArray<string | number>; msg: string }>): Fault => ({
  _tag: "Answer",
  status: 422,
  headers: { "content-type": "application/json" },
  body: JSON.stringify({ detail: faults.map((fault) => ({ ...fault, type: "value_error" })) })
})

inChromium("a form", testServer(), (it) => {
  describe("with the enhancer", () => {
    it.effect("is sent as JSON with a key, stored, thanked for and emptied", () =>
      Effect.gen(function* () {
        const { edge, errors, heard, keys, page, sent, status } = yield* make()
        yield* fill(page, { name: "Ada-plain", email: "ada@example.org", message: 'Hello\n"you"' })
        yield* press(page)
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
        const events = yield* Effect.promise(heard)
        assert.deepStrictEqual(
          events.map(([name]) => name),
          ["submit", "success"]
        )
        assert.strictEqual(events[1]?.[1]["submission_id"], submission!.submissionId)
        assert.strictEqual(yield* Effect.promise(() => page.locator("[name=name]").inputValue()), "")
        assert.deepStrictEqual(errors, [])
      })
    )

    it.effect("sends a field that comes twice as an array, the button that was pressed, and any name", () =>
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

    it.effect("takes fifty fields, which is all that the edge takes", () =>
      Effect.gen(function* () {
        const { page, sent, status } = yield* make({
          fields: `${Array.from({ length: 50 }, (_, index) => `<input name="f${index}" value="x">`).join("")}<button>Send</button>`
        })
        yield* press(page)
        yield* says(status, "Thank you")
        assert.strictEqual(Object.keys(sent()[0]!.form_data).length, 50)
      })
    )

    it.effect("switches its button off while it is sent, and says so", () =>
      Effect.gen(function* () {
        const { evaluate, page, relay, sent, status } = yield* make()
        let go = () => {}
        const held = new Promise<void>((resolve) => {
          go = resolve
        })
        relay.fault = (received) => (isSubmit(received) ? { _tag: "Hold", until: held } : undefined)
        yield* fill(page, { name: "Ada" })
        yield* press(page)
        yield* says(status, "Sending")
        yield* until("the request", () => sent().length === 1)
        assert.isTrue(yield* Effect.promise(() => page.getByRole("button").isDisabled()))
        // Return in a field does not send it again.
        yield* evaluate("document.forms[0].requestSubmit()")
        go()
        yield* says(status, "Thank you")
        assert.isTrue(yield* Effect.promise(() => page.getByRole("button").isEnabled()))
        assert.strictEqual(yield* evaluate("document.activeElement.tagName"), "BUTTON")
        assert.strictEqual(sent().length, 1)
      })
    )

    it.effect("shows what the edge finds wrong, at each field", () =>
      Effect.gen(function* () {
        const { errors, evaluate, heard, keys, page, relay, sent, status } = yield* make()
        let once = true
        relay.fault = (received) => {
          if (!isSubmit(received) || !once) return undefined
          once = false
          return faults422(
            { loc: ["body", "form_data", "message"], msg: "Value error, <b>too short</b>" },
            { loc: ["body", "email"], msg: "Input should be a valid string" },
            { loc: ["body", "form_data", "unseen"], msg: "is missing" }
          )
        }
        yield* fill(page, { name: "Ada", email: "ada@example.org", message: "x" })
        yield* press(page)
        yield* says(status, "Please check the marked fields. is missing")
        const invalid = page.locator("[aria-invalid=true]")
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
        const [, [name, detail] = []] = yield* Effect.promise(heard)
        assert.strictEqual(name, "error")
        assert.strictEqual(detail?.["reason"], "invalid")
        // Whoever mends a field is no longer told of it.
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
        assert.strictEqual(yield* Effect.promise(() => invalid.count()), 0)
        assert.strictEqual(yield* evaluate(`document.querySelectorAll("[data-hydracore-error]").length`), 0)
        assert.strictEqual(sent().length, 2)
        assert.notStrictEqual(keys()[0], keys()[1])
        assert.deepStrictEqual(errors, [])
      })
    )

    it.effect("shows a fault where the page has a place for it, and keeps what described the field", () =>
      Effect.gen(function* () {
        const { evaluate, page, relay, status } = yield* make({
          fields: `<input name="email" aria-describedby="hint"><i id="hint">Never shown</i>
            <b data-hydracore-error="email"></b><button>Send</button>`
        })
        relay.fault = (received) => (isSubmit(received) ? faults422({ loc: ["body", "email"], msg: "No" }) : undefined)
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

    it.effect("says that it cannot send a file", () =>
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

    it.effect("keeps what was typed when the network fails, and sends it when it is back", () =>
      Effect.gen(function* () {
        const { context, errors, heard, page, sent, status } = yield* make({ clock: true })
        yield* fill(page, { name: "Ada-offline", message: "kept" })
        yield* Effect.promise(() => context.setOffline(true))
        yield* press(page)
        yield* says(status, "no connection")
        assert.strictEqual(yield* Effect.promise(() => page.locator("[name=message]").inputValue()), "kept")
        assert.isTrue(yield* Effect.promise(() => page.getByRole("button").isEnabled()))
        assert.deepStrictEqual(sent(), [])
        // No time passes for the page: it is the browser that says that the network is back.
        yield* Effect.promise(() => context.setOffline(false))
        yield* says(status, "Thank you")
        assert.strictEqual((yield* stored("Ada-offline")).length, 1)
        assert.deepStrictEqual(
          (yield* Effect.promise(heard)).map(([name, { reason }]) => reason ?? name),
          ["submit", "away", "success"]
        )
        assert.deepStrictEqual(errors, [])
      })
    )

    it.effect("sends it again after a while where the browser notices nothing; twice sent is stored once", () =>
      Effect.gen(function* () {
        const { keys, page, relay, sent, status } = yield* make({ clock: true })
        const faults: Array<Fault> = [
          { _tag: "Cut" },
          { _tag: "Cut" },
          { _tag: "Answer", status: 503 },
          { _tag: "LoseAnswer" }
        ]
        relay.fault = (received) => (isSubmit(received) ? faults.shift() : undefined)
        yield* fill(page, { name: "Ada-again" })
        yield* press(page)
        yield* says(status, "no connection")
        yield* until("thanks", async () => {
          await page.clock.runFor(1000)
          return (await status()).includes("Thank you")
        })
        assert.isAtLeast(sent().length, 5)
        assert.strictEqual(new Set(keys()).size, 1)
        assert.strictEqual(new Set(relay.of(paths.submit).map(({ body }) => body)).size, 1)
        assert.strictEqual((yield* stored("Ada-again")).length, 1)
      })
    )

    it.effect("what is typed while it waits is not thrown away, and is another submission", () =>
      Effect.gen(function* () {
        const { keys, page, relay, status } = yield* make({ clock: true })
        let down = true
        relay.fault = (received) => (isSubmit(received) && down ? { _tag: "Cut" } : undefined)
        yield* fill(page, { name: "Ada-one" })
        yield* press(page)
        yield* says(status, "no connection")
        yield* fill(page, { name: "Ada-two" })
        down = false
        yield* until("thanks", async () => {
          await page.clock.runFor(1000)
          return (await status()).includes("Thank you")
        })
        assert.strictEqual(yield* Effect.promise(() => page.locator("[name=name]").inputValue()), "Ada-two")
        yield* press(page)
        yield* until("an empty form", async () => (await page.locator("[name=name]").inputValue()) === "")
        assert.strictEqual((yield* stored("Ada-one")).length, 1)
        assert.strictEqual((yield* stored("Ada-two")).length, 1)
        assert.strictEqual(new Set(keys()).size, 2)
      })
    )

    it.effect("says when to come back after too many, and that it failed, and keeps what was typed", () =>
      Effect.gen(function* () {
        const { heard, keys, page, relay, status } = yield* make()
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
        yield* until("three errors", async () => (await heard()).filter(([name]) => name === "error").length === 3)
        assert.deepStrictEqual(
          (yield* Effect.promise(heard)).filter(([name]) => name === "error").map(([, detail]) => detail),
          [
            { reason: "limited", seconds: 17 },
            { reason: "refused", status: 500, detail: undefined },
            { reason: "refused", status: 404, detail: "No published website has this site_id." }
          ]
        )
        yield* press(page)
        yield* says(status, "Thank you")
        assert.strictEqual(new Set(keys()).size, 1)
        assert.strictEqual((yield* stored("Ada-limited")).length, 1)
      })
    )

    it.effect("lets the page stop and change what happens", () =>
      Effect.gen(function* () {
        const { evaluate, fence, heard, page, relay, sent, status } = yield* make({ clock: true })
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
        yield* until("the error", async () => (await heard()).some(([name]) => name === "error"))
        const attempts = sent().length
        assert.deepStrictEqual(sent()[0]?.form_data["added"], [1])
        // Stopped, it says nothing and does not send again by itself.
        assert.strictEqual(yield* Effect.promise(status), "Sending…")
        yield* Effect.promise(() => page.clock.runFor(120_000))
        yield* fence
        assert.strictEqual(sent().length, attempts)
        relay.fault = () => undefined
        yield* evaluate(`addEventListener("hydracore:success", (event) => event.preventDefault(), { once: true })`)
        yield* press(page)
        yield* until("success", async () => (await heard()).some(([name]) => name === "success"))
        assert.strictEqual(yield* Effect.promise(() => page.locator("[name=name]").inputValue()), "Ada")
      })
    )

    it.effect("leaves alone what the page itself handles, and what names no website", () =>
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
        yield* evaluate(`document.forms[0].removeAttribute("data-site"); document.forms[0].action = "/own"`)
        yield* press(page)
        yield* until("the browser's own way", () => page.url().includes("/own?"))
        assert.deepStrictEqual(sent(), [])
      })
    )

    it.effect("speaks other words, in the page's own place, and goes on to another page", () =>
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

    it.effect("has a trap that no person sees, reaches or has filled in", () =>
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
        // Whoever fills it in is thanked like everybody.
        yield* says(status, "Thank you")
        assert.strictEqual(sent()[0]?.form_data["hydracore_hp"], "http://spam.test")
      })
    )

    it.effect("works for a form that comes later, and behind the website's own proxy", () =>
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
      it.effect(`is sent as ${enctype}, stored, and thanked for`, () =>
        Effect.gen(function* () {
          const { edge, open, page, pages, relay, site } = yield* BrowserSite.make({ javaScriptEnabled: false })
          const mark = `Ada-${enctype.length}`
          pages["/contact"] = `<form method="post" enctype="${enctype}"
            action="${relay.url}${paths.submit}?site=${edge.websiteConfigId}&page=contact" data-hydracore-form>
            <input name="hydracore_hp" tabindex="-1" autocomplete="off" aria-hidden="true" hidden>${fields}</form>`
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
  })
})
