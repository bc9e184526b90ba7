/**
 * The documentation in a browser: its Content-Security-Policy blocks nothing, axe-core finds no violation, no page is wider than
 * a phone, the list of guides opens, and the reference needs no other host.
 */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { guides } from "../../src/pages/Docs.ts"
import { violationsInBothSchemes } from "../support/browser/Axe.ts"
import { Chromium, inChromium } from "../support/browser/Browser.ts"
import { TestServer, layer as testServer } from "../support/TestServer.ts"

inChromium("the documentation", testServer(), (it) => {
  it.effect("is readable in light and dark mode, 320 pixels wide", () =>
    Effect.gen(function* () {
      const { url } = yield* TestServer
      const { visitor } = yield* Chromium
      const { errors, open, page } = yield* visitor({ viewport: { width: 320, height: 640 } })
      // A page of each kind. The other guides have the same elements, so only their width is checked.
      const checked = ["/docs", "/docs/settings"]
      const others = guides.map((name) => `/docs/${name}`).filter((path) => !checked.includes(path))
      for (const path of [...checked, ...others]) {
        yield* open(url + path)
        assert.strictEqual(yield* Effect.promise(() => page.evaluate("document.documentElement.scrollWidth")), 320)
        if (!checked.includes(path)) continue
        const found = yield* Effect.promise(() => violationsInBothSchemes(page))
        assert.deepStrictEqual(found, [], path)
      }
      assert.deepStrictEqual(errors, [])
    })
  )

  it.effect("folds the list of guides on a phone only", () =>
    Effect.gen(function* () {
      const { url } = yield* TestServer
      const { visitor } = yield* Chromium
      const { open, page } = yield* visitor({ viewport: { width: 320, height: 640 } })
      yield* open(`${url}/docs/chat`)
      yield* Effect.promise(async () => {
        const link = page.getByRole("navigation").getByRole("link", { name: "Webhooks" })
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
