/**
 * The list of websites of a person who has several.
 */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import type { Page } from "playwright-core"
import { inChromium } from "../support/browser/Browser.ts"
import * as ConsolePage from "../support/console/ConsolePage.ts"
import { until } from "../support/Wait.ts"

const partSize = 12

/** The answer's websites for a list of three parts. */
const manySites = Effect.gen(function* () {
  const { fresh } = yield* ConsolePage.Websites
  const sites = Array.from({ length: 3 * partSize }, (_, index) => ({
    site_id: index === 0 ? fresh.websiteConfigId : `00000000-0000-4000-8000-${String(index).padStart(12, "0")}`,
    name: `Customer ${index}`,
    time_zone: "UTC",
    created_at: "2026-01-01T00:00:00.000Z",
    needs_attention: false,
    visitors: null,
    unread: 0,
    waiting: 0,
    problems: [],
    last_seen_at: null
  }))
  return { sites }
})

/** Answers requests for the list with these websites, in parts. */
const listInParts = async (
  page: Page,
  sites: ReadonlyArray<{ readonly site_id: string; readonly name: string }>
): Promise<void> => {
  for (const path of ["**/v1/owner/sites?*", "**/v1/owner/attention*"]) {
    await page.route(path, (route) => {
      const { searchParams } = new URL(route.request().url())
      const search = searchParams.get("search") ?? ""
      const found = search === "" ? sites : sites.filter(({ name }) => name === search)
      const start = Number(searchParams.get("cursor") ?? 0)
      const end = start + partSize
      return route.fulfill({
        json: { sites: found.slice(start, end), next: end < found.length ? String(end) : null }
      })
    })
  }
  // A website that is in no listed part.
  await page.route("**/v1/owner/sites/00000000-*", (route) => {
    const path = new URL(route.request().url()).pathname
    const json = sites.find(({ site_id }) => path.endsWith(site_id))
    return json === undefined ? route.fallback() : route.fulfill({ json })
  })
}

/** Runs an expression in a page. */
const evaluated = <A>(page: Page, expression: string) => Effect.promise(() => page.evaluate<A>(expression))

inChromium("the console's websites", ConsolePage.layerOfTwoDays, (it) => {
  it.effect("are listed with their visitors of yesterday, and one is opened by a click", () =>
    Effect.gen(function* () {
      const { busy } = yield* ConsolePage.Websites
      const { errors, loaded, on, page, show } = yield* ConsolePage.open("#/")
      yield* loaded
      const rows = page.locator(".site-row")
      assert.includeMembers(yield* on(() => rows.locator("b").allTextContents()), ["Fjordlight Kayaks", "New website"])
      const row = rows.filter({ hasText: "Fjordlight Kayaks" })
      const shown = Number.parseInt((yield* on(() => row.locator(".number").first().textContent())) ?? "", 10)
      yield* on(() => row.locator("a.site").click())
      yield* loaded
      assert.include(yield* on(() => page.evaluate<string>("location.hash")), busy.websiteConfigId)
      // The list and the overview count the same.
      yield* show(`#/${busy.websiteConfigId}/overview?range=yesterday`)
      yield* loaded
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
      const { errors, loaded, on, page } = yield* ConsolePage.openPrepared("#/", async (page) => {
        for (const path of ["**/v1/owner/sites?*", "**/v1/owner/attention*"]) {
          await page.route(path, (route) => {
            const url = new URL(route.request().url())
            url.searchParams.set("limit", "1")
            return route.continue({ url: url.href })
          })
        }
      })
      yield* loaded
      const names = page.locator("a.site b")
      const [first = ""] = yield* on(() => names.allTextContents())
      yield* on(() => page.getByRole("button", { name: "Show more" }).click())
      yield* on(() => names.nth(1).waitFor())
      const [, second = ""] = yield* on(() => names.allTextContents())
      yield* on(() => page.getByRole("searchbox").fill(second.toUpperCase()))
      yield* until("the website", async () => (await names.allTextContents()).join() === second)
      yield* on(() => page.getByRole("searchbox").fill("no such website"))
      yield* on(() => page.getByText("No website has this text").waitFor())
      yield* on(() => page.getByRole("searchbox").fill(""))
      yield* until("the first website", async () => (await names.allTextContents()).join() === first)

      assert.notStrictEqual(first, second)
      yield* on(async () => {
        await page.goto(`${page.url().split("#")[0]}#/${busy.websiteConfigId}`)
        await page.reload()
      })
      yield* on(() => page.getByRole("button", { name: "Visitors" }).waitFor())
      yield* on(() => page.getByRole("button", { name: "Websites: Fjordlight Kayaks" }).waitFor())
      assert.deepStrictEqual(errors, [])
    })
  )

  it.effect(
    "begin at the top of each page that is chosen, and are where they were after the browser's Back button",
    () =>
      Effect.gen(function* () {
        const { busy } = yield* ConsolePage.Websites
        const { errors, loaded, on, page } = yield* ConsolePage.open(`#/${busy.websiteConfigId}/overview`, {
          viewport: { width: 1280, height: 500 }
        })
        const chosen = (name: string) => on(() => page.getByRole("link", { name, exact: true }).first().click())
        const heights = "document.documentElement.scrollHeight - innerHeight"
        yield* until("a page to scroll", async () => (await page.evaluate<number>(heights)) > 700)
        // What is loaded later would move the page.
        yield* loaded
        yield* on(() => page.evaluate("scrollTo(0, 600)"))
        // The next page stays as short as while it loads, so the browser cannot scroll when the step back begins.
        const answer = Promise.withResolvers<void>()
        yield* on(() => page.route("**/v1/owner/**", (route) => answer.promise.then(() => route.continue())))
        yield* chosen("Inbox")
        yield* until("the top of the next page", async () => (await page.evaluate("scrollY")) === 0)
        assert.isBelow(yield* on(() => page.evaluate<number>(heights)), 600)
        yield* on(() => page.goBack())
        yield* until("the same scroll position", async () => (await page.evaluate("scrollY")) === 600)
        answer.resolve()
        assert.deepStrictEqual(errors, [])
      })
  )

  it.effect("are where they were after the browser's Back button: the search, the parts, and the scroll position", () =>
    Effect.gen(function* () {
      const { sites } = yield* manySites
      const viewport = { width: 1280, height: 500 }
      const { errors, on, page } = yield* ConsolePage.openPrepared("#/", (page) => listInParts(page, sites), {
        viewport
      })
      const names = page.locator("a.site b")
      yield* on(() => names.first().waitFor())
      yield* on(() => page.getByRole("button", { name: "Show more" }).click())
      yield* until("two parts", async () => (await names.count()) === 2 * partSize)
      const row = page.locator("a.site").nth(2 * partSize - 3)
      yield* on(() => row.scrollIntoViewIfNeeded())
      const before = yield* evaluated<number>(page, "scrollY")
      assert.isAbove(before, 500)
      yield* on(() => row.click())
      yield* on(() => page.getByRole("button", { name: /^Websites: / }).waitFor())
      yield* on(() => page.goBack())
      yield* until("two parts again", async () => (await names.count()) === 2 * partSize)
      yield* until("the same scroll position", async () => (await page.evaluate("scrollY")) === before)

      yield* on(() => page.getByRole("searchbox").fill("Customer 11"))
      yield* until("the search", async () => (await names.count()) === 1)
      yield* on(() => names.first().click())
      yield* on(() => page.getByRole("button", { name: /^Websites: / }).waitFor())
      yield* on(() => page.goBack())
      yield* until("the search again", async () => (await names.allTextContents()).join() === "Customer 11")
      assert.strictEqual(yield* on(() => page.getByRole("searchbox").inputValue()), "Customer 11")
      assert.deepStrictEqual(errors, [])
    })
  )

  it.effect(
    "are few in the menu, below the list of all, and the menu and the form for a new one close when the page changes",
    () =>
      Effect.gen(function* () {
        const { fresh } = yield* ConsolePage.Websites
        const { sites } = yield* manySites
        const { errors, on, page, show } = yield* ConsolePage.openPrepared("#/", (page) => listInParts(page, sites))
        yield* on(() => page.locator("a.site").nth(3).click())
        yield* show(`#/${fresh.websiteConfigId}/inbox`)
        const choices = page.getByRole("menuitemradio")
        yield* on(() => page.getByRole("button", { name: /^Websites: / }).click())
        const labels = yield* on(() => choices.allTextContents())
        assert.deepStrictEqual(labels.slice(0, 2), ["All websites", "New website"])
        assert.lengthOf(labels, 2 + 8)
        const menu = "document.querySelector('[role=menu]')"
        assert.isTrue(yield* evaluated<boolean>(page, `${menu}.scrollHeight <= ${menu}.clientHeight`))
        yield* on(() => page.goBack())
        yield* until("no menu", async () => (await choices.count()) === 0)
        yield* on(() => page.goForward())
        yield* on(() => page.getByRole("button", { name: /^Websites: / }).click())
        yield* on(() => choices.nth(1).click())
        yield* on(() => page.getByRole("dialog").waitFor())
        yield* on(() => page.goBack())
        yield* until("no form for a new website", async () => (await page.getByRole("dialog").count()) === 0)
        assert.deepStrictEqual(errors, [])
      })
  )

  it.effect("a link without a count has no place for one", () =>
    Effect.gen(function* () {
      const { fresh } = yield* ConsolePage.Websites
      const { loaded, on, page } = yield* ConsolePage.open(`#/${fresh.websiteConfigId}`)
      yield* loaded
      const links = page.getByRole("navigation", { name: "Pages" }).getByRole("link")
      yield* on(() => links.first().waitFor())
      const ends = yield* evaluated<ReadonlyArray<number>>(
        page,
        `[...document.querySelectorAll(".bar nav a")].map((link) => {
          const range = document.createRange()
          range.selectNodeContents(link.firstChild)
          return link.getBoundingClientRect().right - range.getBoundingClientRect().right
        })`
      )
      assert.strictEqual(ends.length, yield* on(() => links.count()))
      assert.deepStrictEqual(
        ends.map(Math.round),
        ends.map(() => 10)
      )
    })
  )

  it.effect("the inbox of all websites finds one that the first request does not list", () =>
    Effect.gen(function* () {
      const { sites } = yield* manySites
      const { on, page } = yield* ConsolePage.openPrepared("#/all/inbox", (page) => listInParts(page, sites))
      const field = page.getByRole("combobox", { name: "Website" })
      const options = page.getByRole("option")
      yield* on(() => field.click())
      yield* on(() => options.filter({ hasText: "Type to find more websites" }).waitFor())
      assert.strictEqual(yield* on(() => options.filter({ hasText: "Customer 30" }).count()), 0)
      yield* on(() => field.fill("Customer 30"))
      yield* on(() => options.filter({ hasText: "Customer 30" }).waitFor())
      yield* on(() => page.keyboard.press("Enter"))
      yield* until("its items", async () => page.url().includes(`site=${sites[30]!.site_id}`))
      yield* until("its name in the field", async () => (await field.inputValue()) === "Customer 30")
      yield* on(() => field.fill("Nobody"))
      yield* on(() => options.filter({ hasText: "Nothing matches" }).waitFor())
    })
  )

  it.effect("a person without websites reads how to create one, or whom to ask", () =>
    Effect.gen(function* () {
      for (const [role, title, create] of [
        ["owner", "Create your first website", 1],
        ["viewer", "No website to show", 0]
      ] as const) {
        const { on, page } = yield* ConsolePage.openPrepared(
          "#/",
          (page) => page.route("**/v1/owner/sites?*", (route) => route.fulfill({ json: { sites: [], next: null } })),
          {},
          role
        )
        yield* on(() => page.getByRole("heading", { name: title }).waitFor())
        const main = page.locator("main")
        assert.strictEqual(yield* on(() => main.getByRole("button", { name: "New website" }).count()), create)
        assert.strictEqual(yield* on(() => main.getByText("hydracore site create").count()), create)
      }
    })
  )
})
