/**
 * The list of websites of a person who has several.
 */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { inChromium } from "../../support/browser/Browser.ts"
import * as ConsolePage from "../../support/console/ConsolePage.ts"

inChromium("the console's websites", ConsolePage.layer, (it) => {
  it.effect("are listed with their visitors, and one is opened by a click", () =>
    Effect.gen(function* () {
      const { busy } = yield* ConsolePage.Websites
      const { errors, loaded, on, page } = yield* ConsolePage.open("#/")
      yield* loaded
      const rows = page.locator("a.site")
      assert.includeMembers(yield* on(() => rows.locator("b").allTextContents()), ["Fjordlight Kayaks", "New website"])
      const row = rows.filter({ hasText: "Fjordlight Kayaks" })
      const shown = Number(
        (yield* on(() => row.locator(".number").first().textContent()))?.match(/^[\d,]+/)?.[0].replace(",", "")
      )
      yield* on(() => row.click())
      yield* loaded
      assert.include(yield* on(() => page.evaluate<string>("location.hash")), busy.websiteConfigId)
      // The list and the overview count the same.
      const figure = yield* on(() => page.getByRole("button", { name: "Visitors" }).locator(".figure").textContent())
      assert.strictEqual(Number(figure?.replaceAll(",", "")), shown)
      yield* on(() => page.getByRole("link", { name: "All websites" }).click())
      yield* on(() => page.getByRole("heading", { name: "Websites" }).waitFor())
      assert.deepStrictEqual(errors, [])
    })
  )

  it.effect("a person without websites reads how to create one, or whom to ask", () =>
    Effect.gen(function* () {
      for (const [role, title, create] of [
        ["owner", "Create your first website", 1],
        ["viewer", "No website to show", 0]
      ] as const) {
        const { on, page } = yield* ConsolePage.open("#/", {}, role)
        yield* on(async () => {
          await page.route("**/v1/owner/sites", (route) => route.fulfill({ json: { sites: [] } }))
          await page.reload()
        })
        yield* on(() => page.getByRole("heading", { name: title }).waitFor())
        const main = page.locator("main")
        assert.strictEqual(yield* on(() => main.getByRole("button", { name: "New website" }).count()), create)
        assert.strictEqual(yield* on(() => main.getByText("hydracore site create").count()), create)
      }
    })
  )
})
