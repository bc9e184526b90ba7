/**
 * The documentation and the start page in a browser: their Content-Security-Policy blocks nothing, axe-core finds no violation, no
 * page is wider than a phone, no code is cut off, the list of guides opens, the search finds sections, and the reference needs no
 * other host.
 */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { guides } from "../../src/pages/Docs.ts"
import { violationsInBothSchemes, violationsInOtherWidth } from "../support/browser/Axe.ts"
import { Chromium, inChromium } from "../support/browser/Browser.ts"
import { TestServer, layer as testServer } from "../support/TestServer.ts"

/**
 * Shows the body of another page of the same kind, in a third of the time of opening it. An `XMLHttpRequest` parses it, because the
 * page's policy refuses other ways.
 */
const replaceBody = (path: string): string => `new Promise((resolve, reject) => {
  const request = new XMLHttpRequest()
  request.open("GET", ${JSON.stringify(path)})
  request.responseType = "document"
  request.onerror = reject
  request.onload = () => {
    document.body.replaceWith(document.adoptNode(request.response.body))
    resolve()
  }
  request.send()
})`

/**
 * Removes the blocks, rows and items whose elements all look like those before them in the same parent. A check by axe-core takes time
 * for each text.
 */
const keepOneOfEachKind = `{
  const seenIn = new Map()
  for (const part of document.querySelectorAll("main > *, li, tr, dt, dd")) {
    const kinds = [part, ...part.querySelectorAll("*")].map((element) =>
      [element.parentElement.localName, element.localName, element.className, element.role, element.tabIndex].join())
    const seen = seenIn.get(part.parentElement) ?? new Set()
    seenIn.set(part.parentElement, seen)
    if (kinds.every((kind) => seen.has(kind))) part.remove()
    for (const kind of kinds) seen.add(kind)
  }
}`

inChromium("the documentation", testServer(), (it) => {
  it.effect("is readable in light and dark mode in a wide window, with its search open, and 320 pixels wide", () =>
    Effect.gen(function* () {
      const { url } = yield* TestServer
      const { visitor } = yield* Chromium
      const { errors, open, page } = yield* visitor()
      const fits = async (path: string) => {
        assert.strictEqual(await page.evaluate("document.documentElement.scrollWidth"), 320, path)
        const cutOff = await page
          .locator("pre")
          .evaluateAll((blocks) => blocks.filter((block) => block.scrollWidth > block.clientWidth).length)
        assert.strictEqual(cutOff, 0, path)
      }
      const [wide, narrow] = [
        { width: 1440, height: 900 },
        { width: 320, height: 640 }
      ]
      // A page of each kind.
      const checked = ["/", "/docs", "/docs/chat"]
      for (const path of checked) {
        yield* Effect.promise(() => page.setViewportSize(narrow))
        yield* open(url + path)
        yield* Effect.promise(async () => {
          await fits(path)
          await page.evaluate(keepOneOfEachKind)
          await page.setViewportSize(wide)
          assert.deepStrictEqual(await violationsInBothSchemes(page), [], path)
          await page.setViewportSize(narrow)
          assert.deepStrictEqual(await violationsInOtherWidth(page), [], path)
        })
      }
      yield* Effect.promise(async () => {
        await page.setViewportSize(wide)
        await page.keyboard.press("/")
        await page.getByRole("searchbox").fill("webhook")
        await page.getByText(/results$/).waitFor()
        assert.deepStrictEqual(await violationsInBothSchemes(page, "dialog"), [], "the search")
        await page.keyboard.press("Escape")
        await page.setViewportSize(narrow)
        // The other guides have the same elements, so only their width is checked, in the open page, whose styles are theirs.
        for (const path of guides.map((name) => `/docs/${name}`).filter((path) => !checked.includes(path))) {
          await page.evaluate(replaceBody(path))
          await fits(path)
        }
      })
      assert.deepStrictEqual(errors, [])
    })
  )

  it.effect("finds a section by its words, also misspelled, and opens it by keyboard", () =>
    Effect.gen(function* () {
      const { url } = yield* TestServer
      const { visitor } = yield* Chromium
      const { errors, open, page } = yield* visitor()
      yield* open(`${url}/docs/website`)
      yield* Effect.promise(async () => {
        await page.keyboard.press("/")
        const input = page.getByRole("searchbox")
        await input.fill("no such words anywhere")
        await page.getByText("Nothing found. Try fewer or other words.").waitFor()
        await input.fill("quarentine")
        await page.getByRole("dialog").getByRole("link", { name: "Spam Websites" }).waitFor()
        await input.fill("unsubscribe mail")
        await page.getByText(/results?$/).waitFor()
        const first = page.getByRole("dialog").getByRole("link").first()
        await page.keyboard.press("ArrowDown")
        await page.waitForFunction("document.activeElement.closest('dialog li') !== null")
        const target = (await first.getAttribute("href")) ?? ""
        await page.keyboard.press("Enter")
        await page.waitForURL(url + target)
      })
      assert.deepStrictEqual(errors, [])
    })
  )

  it.effect("finds what was typed before the search was loaded", () =>
    Effect.gen(function* () {
      const { url } = yield* TestServer
      const { visitor } = yield* Chromium
      const { open, page } = yield* visitor()
      yield* open(`${url}/docs`)
      yield* Effect.promise(async () => {
        const typed = Promise.withResolvers<void>()
        await page.route("**/assets/search*", async (route) => {
          await typed.promise
          await route.continue()
        })
        await page.getByRole("button", { name: "Search" }).click()
        await page.keyboard.type("webhook")
        typed.resolve()
        await page.getByText(/results$/).waitFor()
      })
      assert.strictEqual(yield* Effect.promise(() => page.getByRole("searchbox").inputValue()), "webhook")
    })
  )

  it.effect("copies the code of a block", () =>
    Effect.gen(function* () {
      const { url } = yield* TestServer
      const { visitor } = yield* Chromium
      const { open, page } = yield* visitor({ permissions: ["clipboard-read", "clipboard-write"] })
      yield* open(`${url}/docs/website`)
      yield* Effect.promise(async () => {
        await page.getByRole("button", { name: "Copy" }).first().click()
        await page.getByRole("button", { name: "Copied" }).waitFor()
      })
      const copied = yield* Effect.promise(() => page.evaluate<string>("navigator.clipboard.readText()"))
      const shown = yield* Effect.promise(() => page.locator("pre").first().textContent())
      assert.strictEqual(copied, shown)
      assert.match(copied, /^hydracore site snippet /)
    })
  )

  it.effect("marks the section that is read", () =>
    Effect.gen(function* () {
      const { url } = yield* TestServer
      const { visitor } = yield* Chromium
      const { open, page } = yield* visitor({ viewport: { width: 1440, height: 900 } })
      yield* open(`${url}/docs/website`)
      yield* Effect.promise(async () => {
        const contents = page.getByRole("navigation", { name: "On this page" })
        await contents.getByRole("link", { name: "Origins" }).click()
        await contents.locator("[aria-current=location]", { hasText: "Origins" }).waitFor()
      })
    })
  )

  it.effect("shows on the start page whether the service is ready", () =>
    Effect.gen(function* () {
      const { url } = yield* TestServer
      const { visitor } = yield* Chromium
      const { open, page } = yield* visitor()
      yield* open(`${url}/`)
      yield* Effect.promise(async () => {
        await page.getByText("The service is ready").waitFor()
        await page.route("**/readyz", (route) => route.fulfill({ status: 503, json: { detail: "no" } }))
        await page.reload()
        await page.getByText("The service is not ready").waitFor()
      })
    })
  )

  it.effect("folds the list of guides on a phone only", () =>
    Effect.gen(function* () {
      const { url } = yield* TestServer
      const { visitor } = yield* Chromium
      const { open, page } = yield* visitor({ viewport: { width: 320, height: 640 } })
      yield* open(`${url}/docs/chat`)
      yield* Effect.promise(async () => {
        const link = page.getByRole("navigation", { name: "Guides" }).getByRole("link", { name: "Webhooks" })
        const fold = page.getByText("All guides")
        await link.waitFor({ state: "hidden" })
        await fold.click()
        await link.waitFor()
        await fold.click()
        await link.waitFor({ state: "hidden" })
        await page.setViewportSize({ width: 1000, height: 640 })
        await link.click()
        await page.getByRole("heading", { name: "Webhooks", level: 1 }).waitFor()
      })
    })
  )

  it.effect("shows the reference without requests to other hosts, and without the tools that would send some", () =>
    Effect.gen(function* () {
      const { url } = yield* TestServer
      const { visitor } = yield* Chromium
      const { errors, open, page } = yield* visitor()
      const elsewhere: Array<string> = []
      page.on("request", (request) => {
        if (request.url().startsWith("http") && !request.url().startsWith(url)) elsewhere.push(request.url())
      })
      yield* open(`${url}/docs/reference`)
      yield* Effect.promise(() => page.getByRole("heading", { name: "HydraCore Public API" }).waitFor())
      const offered = yield* Effect.promise(() => page.getByText(/Open API Client|Developer Tools|Generate/).count())
      assert.deepStrictEqual({ elsewhere, offered, errors }, { elsewhere: [], offered: 0, errors: [] })
    })
  )

  it.effect("links from the list to a guide, and from there to a section of another", () =>
    Effect.gen(function* () {
      const { url } = yield* TestServer
      const { visitor } = yield* Chromium
      const { open, page } = yield* visitor()
      yield* open(`${url}/docs`)
      yield* Effect.promise(async () => {
        await page.getByRole("main").getByRole("link", { name: "Websites" }).click()
        await page.getByRole("main").getByRole("link", { name: "Security and privacy", exact: true }).click()
        await page.getByRole("heading", { name: "Origins" }).waitFor()
      })
      assert.strictEqual(page.url(), `${url}/docs/security#origins`)
    })
  )
})
