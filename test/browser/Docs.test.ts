/**
 * The documentation in a browser: nothing is blocked by its own policy, axe-core finds no violation, and no page is wider than
 * a phone.
 */
import { AxeBuilder } from "@axe-core/playwright"
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { guides } from "../../src/http/assets/Docs.ts"
import { Chromium, inChromium } from "../support/browser/Browser.ts"
import { TestServer, layer as testServer } from "../support/TestServer.ts"

inChromium("the documentation", testServer(), (it) => {
  for (const colorScheme of ["light", "dark"] as const) {
    it.effect(`is readable in ${colorScheme}, 320 pixels wide`, () =>
      Effect.gen(function* () {
        const { url } = yield* TestServer
        const { visitor } = yield* Chromium
        const { errors, open, page } = yield* visitor({ colorScheme, viewport: { width: 320, height: 640 } })
        for (const path of ["/docs", ...guides.map((name) => `/docs/${name}`)]) {
          yield* open(url + path)
          assert.strictEqual(yield* Effect.promise(() => page.evaluate("document.documentElement.scrollWidth")), 320)
          // Both kinds of page; every other guide is made of the same elements.
          if (path !== "/docs" && path !== "/docs/settings") continue
          const { passes, violations } = yield* Effect.promise(() => new AxeBuilder({ page }).analyze())
          assert.isAbove(passes.length, 10)
          assert.deepStrictEqual(
            violations.map(({ id, nodes }) => `${path} ${id}: ${nodes[0]?.html}`),
            []
          )
        }
        assert.deepStrictEqual(errors, [])
      })
    )
  }

  it.effect("leads from the list to a guide and to a section of another", () =>
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
