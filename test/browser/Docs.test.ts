/**
 * The documentation in a browser: its Content-Security-Policy blocks nothing, axe-core finds no violation, and no page is wider than
 * a phone.
 */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { guides } from "../../src/http/assets/Docs.ts"
import { violationsInBothSchemes } from "../support/browser/Axe.ts"
import { Chromium, inChromium } from "../support/browser/Browser.ts"
import { TestServer, layer as testServer } from "../support/TestServer.ts"

inChromium("the documentation", testServer(), (it) => {
  it.effect("is readable in light and dark mode, 320 pixels wide", () =>
    Effect.gen(function* () {
      const { url } = yield* TestServer
      const { visitor } = yield* Chromium
      const { errors, open, page } = yield* visitor({ viewport: { width: 320, height: 640 } })
      // Both kinds of page; every other guide is made of the same elements.
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
