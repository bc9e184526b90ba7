/**
 * Whatever the service answers, the console draws something: what has arrived, a skeleton, or a problem with a next step.
 */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import type { Page, Route } from "playwright-core"
import * as Texts from "../../src/console/Texts.ts"
import { Shares } from "../../src/sites/access/Share.ts"
import { Chromium, inChromium } from "../support/browser/Browser.ts"
import * as ConsolePage from "../support/console/ConsolePage.ts"
import { TestServer } from "../support/TestServer.ts"

/**
 * Looks at the page before each frame is painted, once its HTML is parsed. `blank` has the HTML of the frames in which the body
 * shows nothing.
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
    requestAnimationFrame(look)
  }
  requestAnimationFrame(look)
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

/** What happens to requests, by the name of the case: no answer, no connection, or a status. */
const answersOf = (...statuses: ReadonlyArray<number>): Readonly<Record<string, (route: Route) => void>> => ({
  "no answer": () => {},
  "no connection": (route) => void route.abort(),
  ...Object.fromEntries(
    statuses.map((status) => [
      `status ${status}`,
      (route: Route) => void route.fulfill({ status, json: { detail: "" } })
    ])
  )
})

const session = "**/v1/owner/session"
const sites = "**/v1/owner/sites?*"
const shared = "**/v1/owner/shared"
const data = /\/v1\/owner\/(query|sites\/.|people|sessions)/
const sharedData = "**/v1/owner/shared/*"

/** The texts of the page that say what to do. */
const told = (page: Page) =>
  page
    .locator("main, dialog[open]")
    .getByText(new RegExp(nextSteps.map((text) => text.replace(/[.?()]/g, "\\$&")).join("|")))
    .filter({ visible: true })

inChromium("every state of the console", ConsolePage.layer, (it) => {
  const check = Effect.fnUntraced(function* (
    page: Page,
    url: string,
    pattern: string | RegExp,
    statuses: ReadonlyArray<number>
  ) {
    for (const [name, answer] of Object.entries(answersOf(...statuses))) {
      const blank = yield* Effect.promise(async () => {
        await page.route(pattern, answer)
        // A reload takes half of the processor time of a new page, which has a process of its own.
        if (page.url() === "about:blank") await page.goto(url)
        else {
          await page.evaluate(`history.replaceState(null, "", ${JSON.stringify(url)})`)
          await page.reload()
        }
        const state = name === "no answer" ? page.locator(".loading, .skeleton").first() : told(page).first()
        await state.waitFor()
        return page.evaluate<ReadonlyArray<string>>("blank")
      })
      assert.deepStrictEqual(blank, [], `${url}: ${name}`)
      if (url.includes("/share/")) {
        assert.notMatch(
          (yield* Effect.promise(() => page.locator("main").textContent())) ?? "",
          ConsolePage.ownersWords
        )
      }
    }
    yield* Effect.promise(async () => {
      await page.goto("about:blank")
      await page.unrouteAll({ behavior: "ignoreErrors" })
    })
  })

  it.effect("draws something while the session and the websites are unknown", () =>
    Effect.gen(function* () {
      const { busy } = yield* ConsolePage.Websites
      const { page, url } = yield* ConsolePage.open("#/", { before: watch })
      yield* check(page, `${url}/console/`, session, [401, 404, 429, 500, 503])
      yield* check(page, `${url}/console/`, sites, [401, 503])
      yield* check(page, `${url}/console/#/${busy.websiteConfigId}/inbox`, sites, [401, 500])
    })
  )

  it.effect("draws something while a link and the session that it ends are unknown", () =>
    Effect.gen(function* () {
      const { page, url } = yield* ConsolePage.open("#/", { before: watch })
      const link = yield* ConsolePage.newLink()
      yield* check(page, link, `${url}/v1/owner/session/link`, [404, 429])
      // Without a session, the page shows the link.
      yield* check(page, link, session, [500])
    })
  )

  it.effect("draws something on each page", () =>
    Effect.gen(function* () {
      const { busy } = yield* ConsolePage.Websites
      const { page, url } = yield* ConsolePage.open("#/", { before: watch })
      for (const name of ["overview", "overview?list=page", "live", "inbox/0", "conversations", "sharing", "setup"]) {
        yield* check(page, `${url}/console/#/${busy.websiteConfigId}/${name}`, data, [500])
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
      const { page } = yield* (yield* Chromium).visitor({ before: watch })
      yield* check(page, `${url}/console/#/share/${created.secret}`, shared, [404, 503])
      yield* check(page, `${url}/console/#/share/${created.secret}`, sharedData, [404, 429])
    })
  )

  it.effect("says so if a component fails", () =>
    Effect.gen(function* () {
      const { busy } = yield* ConsolePage.Websites
      const { errors, page, url } = yield* ConsolePage.open("#/", { before: watch })
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

  it.effect("says so if the script cannot be loaded", () =>
    Effect.gen(function* () {
      const { url } = yield* TestServer
      const { open, page } = yield* (yield* Chromium).visitor({ before: watch })
      yield* Effect.promise(() => page.route("**/console/console-*.js", (route) => route.abort()))
      yield* open(`${url}/console/`)
      yield* Effect.promise(() => page.getByRole("heading", { name: "The console could not be loaded" }).waitFor())
      assert.deepStrictEqual(yield* Effect.promise(() => page.evaluate<ReadonlyArray<string>>("blank")), [])
    })
  )
})
