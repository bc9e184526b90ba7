/**
 * The console's overview in a browser: what it shows, and that its state is in its address.
 */
import { readFile } from "node:fs/promises"
import { assert } from "@effect/vitest"
import { Clock, Effect, Layer } from "effect"
import type { Locator, Page } from "playwright-core"
import { AnalyticsRepo } from "../../src/analytics/AnalyticsRepo.ts"
import { withoutFacts } from "../../src/analytics/StoredView.ts"
import { inChromium } from "../support/browser/Browser.ts"
import * as ConsolePage from "../support/console/ConsolePage.ts"
import * as DecisionCounts from "../support/DecisionCounts.ts"
import { until } from "../support/Wait.ts"

const figure = (page: Page, name: string) => page.getByRole("button", { name }).locator(".figure").textContent()

const numberOf = async (page: Page, name: string) => Number((await figure(page, name))?.replaceAll(",", ""))

const list = (page: Page, tab: string) =>
  page.getByRole("region").filter({ has: page.getByRole("button", { name: tab, exact: true, pressed: true }) })

const rows = async (page: Page, tab: string) => list(page, tab).locator(".row .name").allTextContents()

/** Stores a purchase, a click on an outbound link, and a download, of one visitor. */
const recordEvents = Effect.gen(function* () {
  const { busy } = yield* ConsolePage.Websites
  const { appendEvent } = yield* AnalyticsRepo
  const receivedAt = yield* Clock.currentTimeMillis
  const events = [
    ["Purchase", { plan: "Family", seats: 3 }, { amount: 120.5, currency: "EUR" }],
    ["Outbound Link: Click", { url: "https://booking.example/tours" }, null],
    ["File Download", { url: "https://fjordlight.example/prices.pdf" }, null]
  ] as const
  yield* Effect.forEach(events, ([name, properties, revenue]) =>
    appendEvent({
      ...withoutFacts,
      hostedWebsiteId: busy.hostedWebsiteId,
      receivedAt: receivedAt - 3_600_000,
      sessionId: "purchase",
      visitorHash: "0123456789abcdef0123456789abcdef",
      path: "/prices",
      isInteractive: true,
      deviceType: "desktop",
      ...{ name, properties, revenue }
    })
  )
})

/** Records a page view that does not count. Runs before the shared page is loaded. */
const recordUncounted = Effect.gen(function* () {
  const { busy } = yield* ConsolePage.Websites
  yield* DecisionCounts.record(busy, { "foreign-origin": 1 })
})

const layer = Layer.mergeAll(
  ConsolePage.SharedOwner.layer,
  Layer.effectDiscard(Effect.andThen(recordEvents, recordUncounted))
).pipe(Layer.provideMerge(ConsolePage.layer))

inChromium("the console's overview", layer, (it) => {
  it.effect("draws the labels of the chart again when the font has arrived", () =>
    Effect.gen(function* () {
      const { busy } = yield* ConsolePage.Websites
      const { on, page, url } = yield* ConsolePage.open("#/")
      const [held, release] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
      yield* on(() =>
        page.route("**/assets/font-*.woff2", async (route) => {
          held.resolve()
          await release.promise
          await route.continue()
        })
      )
      yield* on(() => page.goto("about:blank"))
      const overview = `${url}/console/#/${busy.websiteConfigId}/overview`
      yield* on(() => page.goto(overview, { waitUntil: "commit" }))
      yield* on(() => held.promise)
      yield* on(() => page.locator(".chart canvas").waitFor())
      const drawn = () => page.evaluate<string>("document.querySelector('.chart canvas').toDataURL()")
      const before = yield* on(drawn)
      release.resolve()
      yield* until("another font", async () => (await drawn()) !== before)
    })
  )

  it.effect("shows the totals with their changes, the chart, the lists and the current visitors", () =>
    Effect.gen(function* () {
      const { busy } = yield* ConsolePage.Websites
      const { errors, loaded, on, page } = yield* ConsolePage.show(`#/${busy.websiteConfigId}/overview`)
      yield* loaded
      const [visitors, views] = yield* on(() => Promise.all([numberOf(page, "Visitors"), numberOf(page, "Views")]))
      assert.isAbove(visitors, 100)
      assert.isAbove(views, visitors)
      assert.isAbove(yield* on(() => numberOf(page, "Leads")), 0)
      assert.match(
        (yield* on(() => page.locator(".change").first().textContent())) ?? "",
        /\d+% (more|less) than before/
      )
      // Four always, and one or two more at some times of the day.
      assert.match((yield* on(() => page.locator(".now").textContent())) ?? "", /^4 visitors now$/)
      assert.deepStrictEqual((yield* on(() => rows(page, "Pages"))).slice(0, 1), ["/"])
      assert.include(yield* on(() => rows(page, "Countries")), "Norway")
      assert.deepStrictEqual(yield* on(() => rows(page, "Goals")), ["Form submitted"])
      assert.deepStrictEqual(errors, [])
    })
  )

  it.effect("the chosen metric drives the lists: leads and their rate by source, revenue by event", () =>
    Effect.gen(function* () {
      const { busy } = yield* ConsolePage.Websites
      const { loaded, on, page } = yield* ConsolePage.show(`#/${busy.websiteConfigId}/overview?tabs=event`)
      yield* loaded
      yield* on(() =>
        page
          .locator(".totals")
          .getByRole("button", { name: /^Leads/ })
          .click()
      )
      yield* loaded
      yield* on(() => page.getByRole("slider", { name: "Leads by day" }).waitFor())
      const all = yield* on(() => numberOf(page, "Leads"))
      const numbersOf = (tab: string) => on(() => list(page, tab).locator(".rows .number").allTextContents())
      const countries = (yield* numbersOf("Countries")).filter((_, place) => place % 2 === 0).map(Number)
      assert.strictEqual(
        countries.reduce((sum, leads) => sum + leads, 0),
        all
      )
      assert.deepStrictEqual(
        countries,
        countries.toSorted((one, other) => other - one)
      )
      assert.match((yield* numbersOf("Sources")).join(" "), /^\d+ [\d.]+%/)
      // A lead has no page, but its visit has an entry page.
      assert.isNotEmpty(yield* on(() => rows(page, "Entry")))
      assert.strictEqual(yield* on(() => page.getByRole("button", { name: "Pages", exact: true }).count()), 0)

      yield* on(() =>
        page
          .locator(".totals")
          .getByRole("button", { name: /^Revenue/ })
          .click()
      )
      yield* loaded
      assert.deepStrictEqual(yield* numbersOf("Sources"), ["€120.5"])
      assert.deepStrictEqual((yield* numbersOf("Events")).slice(0, 3), ["1", "1", "€120.5"])
    })
  )

  it.effect("lists the addresses of outbound links and of downloads", () =>
    Effect.gen(function* () {
      const { busy } = yield* ConsolePage.Websites
      const { loaded, on, page } = yield* ConsolePage.show(`#/${busy.websiteConfigId}/overview`)
      yield* loaded
      for (const [tab, url] of [
        ["Outbound links", "https://booking.example/tours"],
        ["Downloads", "https://fjordlight.example/prices.pdf"]
      ] as const) {
        yield* on(() => page.getByRole("button", { name: tab, exact: true }).click())
        yield* loaded
        assert.deepStrictEqual(yield* on(() => rows(page, tab)), [url])
        yield* on(() =>
          list(page, tab)
            .getByRole("button", { name: `Details of ${tab.toLowerCase()}` })
            .click()
        )
        yield* on(() => page.getByRole("dialog", { name: tab }).getByRole("row", { name: url }).waitFor())
        yield* on(() => page.keyboard.press("Escape"))
      }
    })
  )

  it.effect("lists the values of the properties that events have, one property at a time", () =>
    Effect.gen(function* () {
      const { busy } = yield* ConsolePage.Websites
      const { loaded, on, page } = yield* ConsolePage.show(`#/${busy.websiteConfigId}/overview`)
      yield* loaded
      const card = page.getByRole("region", { name: "Properties" })
      // The address of a link has a list of its own.
      const properties = card.getByRole("combobox", { name: "Properties" })
      yield* on(() => properties.click())
      assert.deepStrictEqual(yield* on(() => card.getByRole("option").allTextContents()), ["plan", "seats"])
      yield* on(() => properties.press("Escape"))
      assert.deepStrictEqual(yield* on(() => card.locator(".row .name").allTextContents()), ["Family"])
      yield* on(() => ConsolePage.choose(properties, "seats"))
      yield* loaded
      yield* on(() => card.getByRole("button", { name: "3" }).first().click())
      yield* loaded
      yield* on(() => page.getByRole("button", { name: "Remove the filter seats is 3" }).waitFor())
    })
  )

  it.effect("compares no rate or duration with a period without visits", () =>
    Effect.gen(function* () {
      const { busy } = yield* ConsolePage.Websites
      const yearBefore = "overview?range=30d&compare=year"
      const { loaded, on, page } = yield* ConsolePage.show(`#/${busy.websiteConfigId}/${yearBefore}`)
      yield* loaded
      const below = (name: string) => page.getByRole("button", { name }).locator(".below").textContent()
      assert.deepStrictEqual(yield* on(() => Promise.all(["Views", "Bounce rate", "Duration"].map(below))), [
        "0 before",
        "No visits before",
        "No visits before"
      ])
    })
  )

  it.effect("filters everything by a click, and a filter can be negated and removed", () =>
    Effect.gen(function* () {
      const { busy } = yield* ConsolePage.Websites
      const { loaded, on, page } = yield* ConsolePage.show(`#/${busy.websiteConfigId}/overview`)
      yield* loaded
      const all = yield* on(() => numberOf(page, "Visitors"))
      yield* on(() => list(page, "Devices").getByRole("button", { name: "Mobile" }).click())
      yield* loaded
      const mobile = yield* on(() => numberOf(page, "Visitors"))
      assert.isBelow(mobile, all)
      assert.deepStrictEqual(yield* on(() => rows(page, "Devices")), ["Mobile"])
      assert.match(yield* on(() => page.evaluate<string>("location.hash")), /\?device=mobile$/)

      const filters = page.getByRole("region", { name: "Filters" })
      yield* on(() => filters.getByRole("button", { name: "is", exact: true }).click())
      yield* loaded
      const others = yield* on(() => numberOf(page, "Visitors"))
      assert.sameMembers(yield* on(() => rows(page, "Devices")), ["Desktop", "Tablet"])
      // At least, because a visitor who came twice on a day with different devices counts in both.
      assert.isAtLeast(mobile + others, all)

      // Every step of the way is in the browser's history.
      yield* on(() => page.goBack())
      yield* loaded
      assert.strictEqual(yield* on(() => numberOf(page, "Visitors")), mobile)
      yield* on(() => filters.getByRole("button", { name: "Remove the filter Device is Mobile" }).click())
      yield* loaded
      assert.strictEqual(yield* on(() => numberOf(page, "Visitors")), all)
      assert.strictEqual(yield* on(() => filters.count()), 0)
    })
  )

  it.effect("says what was not counted, why, and what to do", () =>
    Effect.gen(function* () {
      const { busy } = yield* ConsolePage.Websites
      const { on, page } = yield* ConsolePage.show(`#/${busy.websiteConfigId}/overview`)
      const section = page.getByRole("region", { name: "Not counted, and why" })
      yield* on(() => section.waitFor())
      assert.include(
        (yield* on(() => section.getByRole("listitem").first().textContent())) ?? "",
        "1Pages of other origins If one of them is yours, add its origin"
      )
    })
  )

  it.effect("an address can be sent: it opens the same days, comparison, filters, metric and tabs", () =>
    Effect.gen(function* () {
      const { busy } = yield* ConsolePage.Websites
      const { loaded, on, page } = yield* ConsolePage.show(
        `#/${busy.websiteConfigId}/overview?range=7d&compare=none&country=NO&metric=bounce_rate&by=hour&tabs=browser,channel`
      )
      yield* loaded
      yield* on(() => page.reload())
      yield* loaded
      yield* on(() => page.getByRole("button", { name: "Days: Last 7 days" }).waitFor())
      yield* on(() => page.getByRole("button", { name: "Comparison: No comparison" }).waitFor())
      yield* on(() => page.getByText("Norway").first().waitFor())
      yield* on(() => page.getByRole("slider", { name: "Bounce rate by hour" }).waitFor())
      assert.include(yield* on(() => rows(page, "Browsers")), "Safari")
      assert.include(yield* on(() => rows(page, "Channels")), "Direct")
      assert.strictEqual(yield* on(() => page.locator(".change").count()), 0)
    })
  )

  it.effect("the chart can be read with the keyboard and as a table, and opens the days of a point", () =>
    Effect.gen(function* () {
      const { busy } = yield* ConsolePage.Websites
      const { loaded, on, page } = yield* ConsolePage.show(`#/${busy.websiteConfigId}/overview?range=30d`)
      yield* loaded
      const chart = page.getByRole("slider", { name: "Visitors by day" })
      yield* on(() => chart.focus())
      yield* on(() => page.keyboard.press("Home"))
      const text = () => on(() => chart.getAttribute("aria-valuetext"))
      const first = yield* text()
      assert.match(first ?? "", /^\w{3}, \w{3} \d+, \d{4}: \d+, \d+ before$/)
      yield* on(() => page.keyboard.press("ArrowRight"))
      const second = yield* text()
      assert.notStrictEqual(second, first)
      assert.include(yield* on(() => page.locator(".tip").textContent()), second?.split(":")[0] ?? "?")

      // It stays at the point if the chart is drawn anew.
      const canvas = page.locator(".plot canvas")
      const before = yield* on(() => canvas.getAttribute("width"))
      const size = page.viewportSize()!
      yield* on(() => page.setViewportSize({ ...size, width: size.width - 300 }))
      yield* until("the chart is drawn anew", async () => (await canvas.getAttribute("width")) !== before)
      assert.strictEqual(yield* text(), second)
      assert.include(yield* on(() => page.locator(".tip").textContent()), second?.split(":")[0] ?? "?")
      yield* on(() => page.setViewportSize(size))

      yield* on(() => page.getByRole("button", { name: "Table", exact: true }).click())
      const table = page.getByRole("region", { name: "Visitors by day" })
      assert.strictEqual(yield* on(() => table.locator("tbody tr").count()), 30)
      const [day, value] = (second ?? "").split(": ")
      const cells = yield* on(() =>
        table
          .getByRole("row", { name: day ?? "?" })
          .locator("td")
          .allTextContents()
      )
      assert.strictEqual(`${cells[0]}, ${cells[1]} before`, value)

      yield* on(() => page.getByRole("button", { name: "Chart", exact: true }).click())
      yield* on(() => chart.focus())
      yield* on(() => page.keyboard.press("Home"))
      yield* on(() => page.keyboard.press("Enter"))
      yield* on(() => page.getByRole("slider", { name: "Visitors by hour" }).waitFor())
    })
  )

  it.effect(
    "today is compared until the same time, which the page says, and the table begins with the current hour",
    () =>
      Effect.gen(function* () {
        const { busy } = yield* ConsolePage.Websites
        const { loaded, on, page } = yield* ConsolePage.show(`#/${busy.websiteConfigId}/overview?range=day`)
        yield* loaded
        const note = page.locator(".series .note")
        assert.match(
          (yield* on(() => note.textContent())) ?? "",
          /^Today is not over: compared with \w{3}, \w{3} \d+, \d{4}, until the same time\. The dashed line shows all hours\.$/
        )
        yield* on(() => page.getByRole("button", { name: "Table", exact: true }).click())
        const hours = yield* on(() =>
          page.getByRole("region", { name: "Visitors by hour" }).locator("tbody th").allTextContents()
        )
        assert.match(hours[0] ?? "", /, so far$/)
        assert.match((yield* on(() => note.textContent())) ?? "", /Each hour is compared with a whole one\.$/)
        assert.match(hours.at(-1) ?? "", /, 12 AM/)
        yield* on(() => page.getByRole("button", { name: "Chart", exact: true }).click())

        yield* ConsolePage.show(`#/${busy.websiteConfigId}/overview?range=7d`)
        yield* loaded
        assert.match((yield* on(() => note.textContent())) ?? "", /, the last day until the same time\.$/)
        for (const whole of ["range=yesterday", "range=day&compare=none"]) {
          yield* ConsolePage.show(`#/${busy.websiteConfigId}/overview?${whole}`)
          yield* loaded
          assert.strictEqual(yield* on(() => note.count()), 0)
        }
      })
  )

  it.effect("a whole list is searched, and a click on a row filters the page", () =>
    Effect.gen(function* () {
      const { busy } = yield* ConsolePage.Websites
      const { loaded, on, page } = yield* ConsolePage.show(`#/${busy.websiteConfigId}/overview`)
      yield* loaded
      yield* on(() => page.getByRole("button", { name: "Show all pages" }).click())
      const dialog = page.getByRole("dialog", { name: "Pages" })
      yield* on(() => dialog.getByRole("searchbox").fill("blog"))
      yield* until("only the blog", async () => {
        const found = await dialog.locator("tbody th").allTextContents()
        return found.length > 0 && found.every((text) => text.includes("blog"))
      })
      const file = yield* on(async () => {
        const download = page.waitForEvent("download")
        await dialog.getByRole("button", { name: "Export CSV" }).click()
        const saved = await download
        return { name: saved.suggestedFilename(), text: await readFile(await saved.path(), "utf8") }
      })
      assert.match(file.name, /^Fjordlight-Kayaks-Pages(-\d{4}-\d\d-\d\d){2}\.csv$/)
      const [head, ...rows] = file.text.trim().split("\r\n")
      assert.strictEqual(head, "event:page,visitors,visits,pageviews,bounce_rate,visit_duration")
      const shown = yield* on(() => dialog.locator("tbody th").allTextContents())
      assert.deepStrictEqual(
        rows.map((row) => row.split('"')[1]),
        shown
      )
      yield* on(() => dialog.getByRole("button", { name: "/blog/what-to-pack" }).click())
      yield* on(() => dialog.waitFor({ state: "detached" }))
      yield* loaded
      yield* on(() => page.getByRole("button", { name: "Remove the filter Page is /blog/what-to-pack" }).waitFor())
      // Leads belong to a visit, not to a page.
      assert.strictEqual(yield* on(() => figure(page, "Leads")), "–")
    })
  )

  it.effect("a whole list is split by another dimension, and the address and the exported file tell which", () =>
    Effect.gen(function* () {
      const { busy } = yield* ConsolePage.Websites
      const { loaded, on, page } = yield* ConsolePage.show(`#/${busy.websiteConfigId}/overview`, {
        viewport: { width: 360, height: 800 }
      })
      yield* loaded
      // A list whose rows are all on the page has the dialog too.
      yield* on(() => page.getByRole("button", { name: "Details of devices" }).click())
      const plain = page.getByRole("dialog", { name: "Devices", exact: true })
      yield* loaded
      const visitsOf = async (row: Locator) => Number(await row.locator("td").nth(1).textContent())
      const all = yield* on(() => visitsOf(plain.getByRole("row", { name: "Mobile" })))
      yield* on(() => ConsolePage.choose(plain.getByLabel("Split by"), "Country"))
      const dialog = page.getByRole("dialog", { name: "Devices by country" })
      yield* loaded
      assert.match(yield* on(() => page.evaluate<string>("location.hash")), /\?list=device&split=country$/)
      yield* on(() => page.reload())
      yield* on(() => dialog.getByRole("row", { name: "Mobile Norway" }).waitFor())
      yield* loaded
      assert.deepStrictEqual(yield* on(() => ConsolePage.violationsOfPart(page, "dialog")), [])
      const mobile = yield* on(async () =>
        Promise.all((await dialog.getByRole("row", { name: "Mobile" }).all()).map(visitsOf))
      )
      assert.isAbove(mobile.length, 1)
      assert.strictEqual(
        mobile.reduce((sum, visits) => sum + visits, 0),
        all
      )
      const file = yield* on(async () => {
        const download = page.waitForEvent("download")
        await dialog.getByRole("button", { name: "Export CSV" }).click()
        const saved = await download
        return { name: saved.suggestedFilename(), text: await readFile(await saved.path(), "utf8") }
      })
      assert.match(file.name, /^Fjordlight-Kayaks-Devices-by-country(-\d{4}-\d\d-\d\d){2}\.csv$/)
      assert.match(file.text, /^visit:device,visit:country,visitors,visits,pageviews,bounce_rate,visit_duration\r\n/)
      assert.match(file.text, /^"Mobile","Norway",\d+,/m)
      // The rate of a goal is its share of the visitors with the row's device.
      yield* on(() => ConsolePage.choose(dialog.getByLabel("Split by"), "Goal"))
      yield* on(() => page.getByRole("columnheader", { name: "Rate" }).waitFor())
      yield* on(() => page.getByRole("row", { name: /^Mobile Form submitted/ }).waitFor())
      yield* on(() => ConsolePage.choose(page.getByLabel("Split by"), "Country"))
      yield* on(() =>
        dialog.getByRole("row", { name: "Mobile Norway" }).getByRole("button", { name: "Norway" }).click()
      )
      yield* on(() => page.getByRole("button", { name: "Remove the filter Country is Norway" }).waitFor())
      assert.match(yield* on(() => page.evaluate<string>("location.hash")), /\?country=NO$/)
    })
  )

  it.effect("days are chosen from the menu with the keyboard, and in a dialog", () =>
    Effect.gen(function* () {
      const { busy } = yield* ConsolePage.Websites
      const { loaded, on, page } = yield* ConsolePage.show(`#/${busy.websiteConfigId}/overview`)
      yield* loaded
      const button = page.getByRole("button", { name: /^Days: / })
      yield* on(() => button.focus())
      yield* on(() => page.keyboard.press("ArrowDown"))
      assert.strictEqual(yield* on(() => page.locator(":focus").textContent()), "Last 30 days")
      yield* on(() => page.keyboard.press("ArrowUp"))
      yield* on(() => page.keyboard.press("Enter"))
      yield* on(() => page.getByRole("button", { name: "Days: Last 7 days" }).waitFor())
      yield* on(() => button.click())
      yield* on(() => page.getByRole("menuitemradio", { name: "Choose days…" }).click())
      yield* on(() => page.getByLabel("First day").fill("2026-01-05"))
      yield* on(() => page.getByLabel("Last day").fill("2026-01-04"))
      yield* on(() => page.getByText("The last day is before the first one.").waitFor())
      yield* on(() => page.getByLabel("Last day").fill("2026-01-06"))
      yield* on(() => page.getByRole("button", { name: "Show these days" }).click())
      yield* on(() => page.getByRole("button", { name: "Days: Jan 5 – 6, 2026" }).waitFor())
      yield* on(() => page.getByText("There are no visits on these days.").waitFor())
      yield* on(() => page.getByRole("button", { name: "Show all time" }).click())
      yield* loaded
      assert.isAbove(yield* on(() => numberOf(page, "Visitors")), 100)
    })
  )

  it.effect("a website without visits shows no zeros before it says that it has none", () =>
    Effect.gen(function* () {
      const { fresh } = yield* ConsolePage.Websites
      const { on, page } = yield* ConsolePage.open("#/")
      const [asked, answer] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
      yield* on(() =>
        page.route("**/v1/owner/query", async (route) => {
          if (route.request().postDataJSON()["date_range"] === "all") {
            asked.resolve()
            await answer.promise
          }
          await route.continue()
        })
      )
      yield* on(() => page.evaluate(`location.hash = "#/${fresh.websiteConfigId}/overview"`))
      yield* on(() => asked.promise)
      yield* on(() => page.locator(".total .figure.skeleton").first().waitFor())
      assert.strictEqual(yield* on(() => page.locator(".total .figure:not(.skeleton)").count()), 0)
      assert.isFalse(yield* on(() => page.locator(".lists").isVisible()))
      answer.resolve()
      yield* on(() => page.getByRole("heading", { name: "No visits yet" }).waitFor())
    })
  )

  it.effect("a website without visits shows how to begin, and the other website is one choice away", () =>
    Effect.gen(function* () {
      const { busy, fresh } = yield* ConsolePage.Websites
      const { on, page } = yield* ConsolePage.show(`#/${fresh.websiteConfigId}/overview`)
      yield* on(() => page.getByRole("heading", { name: "No visits yet" }).waitFor())
      yield* on(() => page.getByRole("link", { name: "Show the tag" }).waitFor())
      yield* on(() => page.getByRole("button", { name: "Websites: New website" }).click())
      yield* on(() => page.getByRole("menuitemradio", { name: "Fjordlight Kayaks" }).click())
      yield* on(() => page.getByRole("slider").waitFor())
      assert.include(yield* on(() => page.evaluate<string>("location.hash")), busy.websiteConfigId)
      assert.match(yield* on(() => page.title()), /^(\(\d+\) )?Overview · Fjordlight Kayaks · HydraCore$/)
    })
  )
})
