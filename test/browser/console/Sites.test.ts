/**
 * The list of websites of a person who has several.
 */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { inChromium } from "../../support/browser/Browser.ts"
import * as ConsolePage from "../../support/console/ConsolePage.ts"
import { until } from "../../support/Wait.ts"

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

  it.effect("are listed in parts and found by a search, and one opens that is in no listed part", () =>
    Effect.gen(function* () {
      const { busy } = yield* ConsolePage.Websites
      const { errors, loaded, on, page } = yield* ConsolePage.open("#/")
      yield* on(async () => {
        await page.route("**/v1/owner/sites?*", (route) => {
          const url = new URL(route.request().url())
          url.searchParams.set("limit", "1")
          return route.continue({ url: url.href })
        })
        await page.reload()
      })
      yield* loaded
      const names = page.locator("a.site b")
      const [first = ""] = yield* on(() => names.allTextContents())
      yield* on(() => page.getByRole("button", { name: "Show more" }).click())
      yield* on(() => names.nth(1).waitFor())
      yield* on(() => page.getByRole("searchbox").fill("lIGHT kay"))
      yield* until("the website", async () => (await names.allTextContents()).join() === "Fjordlight Kayaks")
      yield* on(() => page.getByRole("searchbox").fill("no such website"))
      yield* on(() => page.getByText("No website has this text").waitFor())
      yield* on(() => page.getByRole("searchbox").fill(""))
      yield* until("the first website", async () => (await names.allTextContents()).join() === first)

      assert.notStrictEqual(first, "Fjordlight Kayaks")
      yield* on(async () => {
        await page.goto(`${page.url().split("#")[0]}#/${busy.websiteConfigId}`)
        await page.reload()
      })
      yield* on(() => page.getByRole("button", { name: "Visitors" }).waitFor())
      yield* on(() => page.getByRole("button", { name: "Websites: Fjordlight Kayaks" }).waitFor())
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
          await page.route("**/v1/owner/sites?*", (route) => route.fulfill({ json: { sites: [], next: null } }))
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
