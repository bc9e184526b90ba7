/**
 * Whatever the service answers, the console draws something: what has arrived, a skeleton, or a problem with a next step.
 */
import { assert } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import type { Page } from "playwright-core"
import * as Texts from "../../src/console/Texts.ts"
import { Shares } from "../../src/sites/access/Share.ts"
import { Chromium, layer as chromium, inChromium } from "../support/browser/Browser.ts"
import * as ConsolePage from "../support/console/ConsolePage.ts"
import { TestServer } from "../support/TestServer.ts"

/**
 * Looks at the page before each frame that a change of the document causes, once its HTML is parsed. `blank` has the HTML of the
 * frames in which the body shows nothing.
 */
const watch = `{
  window.blank = []
  const isDrawn = (element) => {
    const { height, width } = element.getBoundingClientRect()
    return height > 2 && width > 2 && element.checkVisibility() && (element.matches(".loading, .skeleton") ||
      [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim() !== ""))
  }
  const look = () => {
    if (document.readyState !== "loading" && ![...document.querySelectorAll("main *, dialog[open] *")].some(isDrawn)) {
      blank.push(document.body.outerHTML)
    }
  }
  let isDue = false
  const lookAtNextFrame = () => {
    if (isDue) return
    isDue = true
    requestAnimationFrame(() => {
      isDue = false
      look()
    })
  }
  new MutationObserver(lookAtNextFrame).observe(document, {
    attributes: true, characterData: true, childList: true, subtree: true
  })
  for (const event of ["DOMContentLoaded", "load"]) addEventListener(event, lookAtNextFrame)
}`

/** What the page says about a request that fails, and to do about it. */
const nextSteps = [
  ...Object.values(Texts.failures),
  ...Object.values(Texts.guestFailures),
  Texts.login.withoutMail,
  Texts.ended.why,
  Texts.link.spentBody,
  Texts.live.failedBody,
  Texts.shared.unavailableBody
]

/** What happens to a request: a status, or none. */
type Answer = "no answer" | "no connection" | number

const noStatus = ["no answer", "no connection"] as const

/**
 * Answers the requests whose address matches `fault.pattern` of the page's storage with `fault.answer`. With `page.route`, the
 * browser would have no cache: each reload would load and compile the scripts again.
 */
const answerFaults = `{
  const answerOf = (address) => {
    const { answer, pattern } = JSON.parse(sessionStorage.getItem("fault") ?? "{}")
    return pattern !== undefined && new RegExp(pattern).test(address) ? answer : undefined
  }
  const { EventSource: Events, fetch: request } = window
  window.fetch = (address, init) => {
    const answer = answerOf(address)
    if (answer === undefined) return request(address, init)
    return new Promise((resolve, reject) => {
      init?.signal?.addEventListener("abort", () => reject(init.signal.reason))
      if (answer === "no answer") return
      setTimeout(() => {
        if (answer === "no connection") reject(new TypeError("Failed to fetch"))
        else resolve(Response.json({ detail: "" }, { status: answer }))
      }, 20)
    })
  }
  window.EventSource = function (address) {
    const answer = answerOf(address)
    if (answer === undefined) return new Events(address)
    const events = Object.assign(new EventTarget(), { close() {} })
    if (answer !== "no answer") setTimeout(() => events.dispatchEvent(new Event("error")), 20)
    return events
  }
}`

const before = `${answerFaults}${watch}`

const session = "/v1/owner/session$"
const sites = "/v1/owner/sites\\?"
const shared = "/v1/owner/shared$"
const data = "/v1/owner/(query|sites/.|people|sessions)"
const sharedData = "/v1/owner/shared/"

/** Whether the page shows an element of a selector. */
const isShown = (selector: string) =>
  `[...document.querySelectorAll(${JSON.stringify(selector)})].some((element) => element.checkVisibility())`

/** Whether the page says what to do. */
const isTold = `[...document.querySelectorAll("main, dialog[open]")].some((part) =>
  part.checkVisibility() && ${JSON.stringify(nextSteps)}.some((text) =>
    part.textContent.includes(text) && part.innerText.includes(text)))`

/** An owner's page, which several tests load again. */
class Observed extends Context.Service<Observed, Effect.Success<ReturnType<typeof ConsolePage.open>>>()(
  "hydracore/test/console/Observed"
) {
  static readonly layer = Layer.effect(Observed, ConsolePage.open("#/", { before })).pipe(Layer.provide(chromium))
}

inChromium("every state of the console", Layer.provideMerge(Observed.layer, ConsolePage.layerOfTwoDays), (it) => {
  /** Opens a page by a reload, which takes half of the processor time of a new page: that one has a process of its own. */
  const byReload = async (page: Page, url: string) => {
    await page.evaluate(`history.replaceState(null, "", ${JSON.stringify(url)})`)
    await page.reload()
  }

  /** Opens a page from the list of websites, without loading the scripts again. */
  const byLink = async (page: Page, url: string) => {
    const show = (hash: string) => page.evaluate(`location.hash = ${JSON.stringify(hash)}`)
    await show("#/")
    await ConsolePage.shown(page, "the websites", isShown("a.site"))
    await show(new URL(url).hash)
    await ConsolePage.shown(page, "another page", `!${isShown("a.site")}`)
  }

  const check = Effect.fnUntraced(function* (
    page: Page,
    url: string,
    pattern: string,
    answers: ReadonlyArray<Answer>,
    open: (page: Page, url: string) => Promise<void> = byReload
  ) {
    for (const answer of answers) {
      const blank = yield* Effect.promise(async () => {
        const fault = JSON.stringify({ answer, pattern })
        await page.evaluate(`sessionStorage.setItem("fault", ${JSON.stringify(fault)})`)
        await open(page, url)
        await ConsolePage.shown(
          page,
          `${url}: ${answer}`,
          answer === "no answer" ? isShown(".loading, .skeleton") : isTold
        )
        return page.evaluate<ReadonlyArray<string>>("blank")
      })
      assert.deepStrictEqual(blank, [], `${url}: ${answer}`)
      if (url.includes("/share/")) {
        const text = yield* Effect.promise(() => page.evaluate<string>("document.querySelector('main').textContent"))
        assert.notMatch(text, ConsolePage.ownersWords)
      }
    }
    yield* Effect.promise(() => page.evaluate('sessionStorage.removeItem("fault")'))
  })

  it.effect("draws something while the session and the websites are unknown", () =>
    Effect.gen(function* () {
      const { busy } = yield* ConsolePage.Websites
      const { page, url } = yield* Observed
      yield* check(page, `${url}/console/`, session, [...noStatus, 401, 404, 429, 500])
      yield* check(page, `${url}/console/`, sites, [...noStatus, 401, 503])
      yield* check(page, `${url}/console/#/${busy.websiteConfigId}/inbox`, sites, [...noStatus, 500])
    })
  )

  it.effect("draws something while a link and the session that it ends are unknown", () =>
    Effect.gen(function* () {
      const { page } = yield* Observed
      const link = yield* ConsolePage.newLink()
      yield* check(page, link, "/v1/owner/session/link$", [...noStatus, 404, 429])
      // Without a session, the page shows the link.
      yield* check(page, link, session, [...noStatus, 500])
    })
  )

  it.effect("draws something on each page", () =>
    Effect.gen(function* () {
      const { busy } = yield* ConsolePage.Websites
      const { page, url } = yield* Observed
      const site = `${url}/console/#/${busy.websiteConfigId}`
      yield* check(page, `${site}/overview`, data, [...noStatus, 500])
      // Without a connection, a page draws what it draws without an answer, and the notice above it, which is the same on each.
      for (const name of ["overview?list=page", "live", "inbox/0", "conversations", "sharing", "setup"]) {
        yield* check(page, `${site}/${name}`, data, ["no answer", 500], byLink)
      }
    })
  )

  it.effect("draws something on a shared dashboard, in words for guests", () =>
    Effect.gen(function* () {
      const { url } = yield* TestServer
      const { busy } = yield* ConsolePage.Websites
      const created = yield* Shares.use(({ create }) =>
        create(busy.websiteConfigId, { label: null, expiresAt: null })
      ).pipe(Effect.flatMap(Effect.fromOption), Effect.orDie)
      const { open, page } = yield* (yield* Chromium).visitor({ before })
      // Any page of the service, whose storage tells the console what to answer.
      yield* open(`${url}/readyz`)
      yield* check(page, `${url}/console/#/share/${created.secret}`, shared, [...noStatus, 404, 503])
      yield* check(page, `${url}/console/#/share/${created.secret}`, sharedData, [...noStatus, 404, 429])
    })
  )

  it.effect("says so if a component fails", () =>
    Effect.gen(function* () {
      const { busy } = yield* ConsolePage.Websites
      const { errors, page, url } = yield* ConsolePage.open("#/", { before })
      yield* Effect.promise(async () => {
        await page.route("**/owner/query", (route) => route.fulfill({ json: {} }))
        await page.goto(`${url}/console/#/${busy.websiteConfigId}/overview`)
        await page.getByRole("button", { name: "Reload the console" }).waitFor()
      })
      // The error is not hidden from the browser's console.
      assert.isNotEmpty(errors)
      assert.deepStrictEqual(yield* Effect.promise(() => page.evaluate<ReadonlyArray<string>>("blank")), [])
    })
  )

  it.effect("says why and what to do if the script of a page cannot be loaded", () =>
    Effect.gen(function* () {
      const { busy } = yield* ConsolePage.Websites
      const { page } = yield* ConsolePage.open(`#/${busy.websiteConfigId}/overview`, { before })
      yield* Effect.promise(async () => {
        // After an update of the service, the files of the open version are gone.
        await page.route("**/console/*.js", (route) => route.fulfill({ status: 404 }))
        await page.getByRole("link", { name: /^Inbox/ }).click()
        await page.getByText("The service was updated, or it cannot be reached now.").waitFor()
        await page.unroute("**/console/*.js")
        await page.getByRole("button", { name: "Reload the console" }).click()
        await page.locator(".inbox").waitFor()
      })
    })
  )

  it.effect("says so if the script cannot be loaded", () =>
    Effect.gen(function* () {
      const { url } = yield* TestServer
      const { open, page } = yield* (yield* Chromium).visitor({ before })
      yield* Effect.promise(() => page.route("**/console/console-*.js", (route) => route.abort()))
      yield* open(`${url}/console/`)
      yield* Effect.promise(() => page.getByRole("heading", { name: "The console could not be loaded" }).waitFor())
      assert.deepStrictEqual(yield* Effect.promise(() => page.evaluate<ReadonlyArray<string>>("blank")), [])
    })
  )
})
