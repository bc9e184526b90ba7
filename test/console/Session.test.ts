/**
 * How a person opens the console in a browser, and how a session ends.
 */
import { assert } from "@effect/vitest"
import { Clock, Effect, Layer, Option } from "effect"
import type { Role } from "../../src/sites/access/Access.ts"
import { ConsoleSessions } from "../../src/sites/access/ConsoleSession.ts"
import type { GrantedRole } from "../../src/sites/access/Person.ts"
import { inChromium } from "../support/browser/Browser.ts"
import * as ConsolePage from "../support/console/ConsolePage.ts"
import { TestServer } from "../support/TestServer.ts"

const layer = Layer.provideMerge(ConsolePage.SharedOwner.layer, ConsolePage.layerOfTwoDays)

inChromium("opening the console", layer, (it) => {
  it.effect("a link opens the console after a click, once, and only for the websites of the link", () =>
    Effect.gen(function* () {
      const { fresh } = yield* ConsolePage.Websites
      const { errors, open, page } = yield* ConsolePage.newVisitor()
      const on = <A>(use: () => Promise<A>) => Effect.promise(use)
      const link = yield* ConsolePage.newLink([fresh.websiteConfigId])
      yield* open(link)
      const button = page.getByRole("button", { name: "Open the console" })
      yield* on(() => button.waitFor())
      // A program that only loads the page does not use up the link.
      yield* on(() => page.reload())
      yield* on(() => button.click())
      // The session has no person yet.
      yield* on(() => page.getByRole("heading", { name: "Who are you?" }).waitFor())
      yield* on(() => page.getByRole("button", { name: "Not now" }).click())
      yield* on(() => page.getByRole("heading", { name: "No visits yet" }).waitFor())
      assert.notInclude(yield* on(() => page.evaluate<string>("location.href")), "link")
      yield* on(() => page.getByRole("button", { name: "Websites: New website" }).click())
      assert.deepStrictEqual(yield* on(() => page.getByRole("menuitemradio").allTextContents()), [
        "All websites",
        "New website"
      ])
      assert.deepStrictEqual(errors, [])

      const other = yield* ConsolePage.newVisitor()
      yield* other.open(link)
      yield* on(() => other.page.getByRole("heading", { name: "This link has been used or has expired" }).waitFor())
      // Another link may still be opened in the same tab.
      yield* Effect.flatMap(ConsolePage.newLink(), other.open)
      yield* on(() => other.page.getByRole("button", { name: "Open the console" }).click())
      yield* on(() => other.page.getByRole("button", { name: "Not now" }).click())
      yield* on(() => other.page.getByRole("button", { name: "Session: Owner" }).waitFor())
    })
  )

  it.effect("who entered an address and was mailed a link continues without it", () =>
    Effect.gen(function* () {
      const { errors, open, page } = yield* ConsolePage.newVisitor()
      const on = <A>(use: () => Promise<A>) => Effect.promise(use)
      // The service of the test sends no mail.
      yield* on(() => page.route("**/v1/owner/session/person", (route) => route.fulfill({ json: { mailed: true } })))
      yield* Effect.flatMap(ConsolePage.newLink(), open)
      yield* on(() => page.getByRole("button", { name: "Open the console" }).click())
      yield* on(() => page.getByLabel("Your name").fill("Ada"))
      yield* on(() => page.getByLabel("Email address").fill("ada@example.org"))
      yield* on(() => page.getByRole("button", { name: "Save" }).click())
      yield* on(() => page.getByText("A mail with a link is on its way to ada@example.org.").waitFor())
      assert.strictEqual(yield* on(() => page.getByRole("button", { name: "Not now" }).count()), 0)
      yield* on(() => page.getByRole("button", { name: "Continue to the console" }).click())
      yield* on(() => page.getByRole("button", { name: "Session: Owner" }).waitFor())
      assert.deepStrictEqual(errors, [])
    })
  )

  it.effect(
    "before it is opened, a link says which session it opens and which it ends, without using the link up",
    () =>
      Effect.gen(function* () {
        const { busy, fresh } = yield* ConsolePage.Websites
        const { url } = yield* TestServer
        const sessions = yield* ConsoleSessions
        const linkExpiresAt = (yield* Clock.currentTimeMillis) + 60_000
        const newLink = Effect.fnUntraced(function* (role: Role, sites: GrantedRole["sites"], label: string | null) {
          const created = yield* sessions.createLink({ role, sites, label, linkExpiresAt })
          return `${url}/console/#/link/${Option.getOrThrow(created).link}`
        })
        const { errors, open, page } = yield* ConsolePage.newVisitor({ viewport: { width: 390, height: 844 } })
        const on = <A>(use: () => Promise<A>) => Effect.promise(use)
        const button = page.getByRole("button", { name: "Open the console" })
        const facts = on(async () => {
          await button.waitFor()
          const [names, values] = [await page.locator("dt").allInnerTexts(), await page.locator("dd").allInnerTexts()]
          return Object.fromEntries(names.map((name, index) => [name, values[index]?.trim()]))
        })
        const both = [busy.websiteConfigId, fresh.websiteConfigId]
        yield* open(yield* newLink("viewer", both, "Ada"))
        const { Websites: websites, ...others } = yield* facts
        assert.sameMembers(websites?.split("\n") ?? [], [busy.name, fresh.name])
        assert.deepStrictEqual(others, {
          "Opens the session": "Ada",
          Role: "Viewer: reads everything"
        })
        assert.deepStrictEqual(yield* on(() => ConsolePage.violations(page)), [])
        const overflow = yield* on(() => page.evaluate<number>("document.documentElement.scrollWidth - innerWidth"))
        assert.isAtMost(overflow, 0)
        yield* on(() => button.click())
        yield* on(() => page.getByRole("button", { name: "Not now" }).click())
        yield* on(() => page.getByRole("button", { name: "Session: Viewer" }).waitFor())

        yield* open(yield* newLink("owner", "all", null))
        assert.deepStrictEqual(yield* facts, {
          "Opens the session": "Without a name",
          Role: "Owner: reads and changes everything",
          Websites: "All, also later ones",
          "Ends in this browser": "Ada (Viewer)"
        })
        // The session stays open until the button is pressed.
        yield* open(`${url}/console/#/`)
        yield* on(() => page.getByRole("button", { name: "Session: Viewer" }).waitFor())
        assert.deepStrictEqual(errors, [])
      })
  )

  it.effect("logging out ends the session, and without a session the page says how to log in", () =>
    Effect.gen(function* () {
      const { context, on, page } = yield* ConsolePage.open("#/")
      yield* on(() => page.getByRole("button", { name: "Session: Owner" }).click())
      yield* on(() => page.getByRole("menuitemradio", { name: "Log out" }).click())
      yield* on(() => page.getByRole("heading", { name: "Log in", exact: true }).waitFor())
      assert.deepStrictEqual(yield* on(() => context.cookies()), [])
    })
  )

  it.effect("a shortcut of the browser does not move along an open menu", () =>
    Effect.gen(function* () {
      const { on, page } = yield* ConsolePage.show("#/")
      yield* on(() => page.getByRole("button", { name: "Theme" }).click())
      const focused = () => page.locator(":focus").textContent()
      const before = yield* on(focused)
      yield* on(() => page.keyboard.press("Control+d"))
      assert.strictEqual(yield* on(focused), before)
      yield* on(() => page.keyboard.press("d"))
      assert.strictEqual(yield* on(focused), "Dark")
      yield* on(() => page.keyboard.press("Escape"))
    })
  )

  it.effect("an ended session hides all numbers, and a new session continues with what was typed", () =>
    Effect.gen(function* () {
      const { busy } = yield* ConsolePage.Websites
      const { context, loaded, on, page } = yield* ConsolePage.show(`#/${busy.websiteConfigId}/setup/goals`)
      yield* loaded
      const title = page.getByRole("heading", { name: "Your session has ended" })
      yield* on(async () => {
        await page.getByRole("button", { name: "New goal" }).click()
        await page.getByLabel("Path").fill("/typed")
        await context.clearCookies()
        await page.getByRole("button", { name: "Create" }).click()
        await title.waitFor()
      })
      assert.isFalse(yield* on(() => page.locator("main").isVisible()))
      assert.isFalse(yield* on(() => page.getByLabel("Path").isVisible()))
      assert.strictEqual(yield* on(() => page.locator("header .count, header nav").count()), 0)
      assert.deepStrictEqual(yield* on(() => ConsolePage.violationsInBothSchemes(page)), [])
      yield* ConsolePage.withLook(page, { viewport: { width: 360, height: 740 } })
      assert.deepStrictEqual(yield* on(() => ConsolePage.violationsInOtherWidth(page)), [])
      const overflow = yield* on(() => page.evaluate<number>("document.documentElement.scrollWidth - innerWidth"))
      assert.isAtMost(overflow, 0)
      yield* on(async () => {
        await page.keyboard.press("Escape")
        await page.keyboard.press("Escape")
        await page.getByRole("button", { name: "Continue" }).click()
        await page.getByText("This browser has no session yet.").waitFor()
        await context.setOffline(true)
        await page.getByRole("button", { name: "Continue" }).click()
        await page.getByText("There is no connection to the service.").filter({ visible: true }).waitFor()
        await context.setOffline(false)
      })
      const link = yield* ConsolePage.newLink()
      yield* on(async () => {
        const other = await context.newPage()
        await other.goto(link)
        await other.getByRole("button", { name: "Open the console" }).click()
        await other.getByRole("button", { name: "Not now" }).click()
        await other.getByRole("button", { name: "Session: Owner" }).waitFor()
        await other.close()
        await page.getByRole("button", { name: "Continue" }).click()
        await title.waitFor({ state: "detached" })
        await page.getByRole("button", { name: "Create" }).click()
        await page.getByRole("dialog").waitFor({ state: "detached" })
        await page.getByText("A page: /typed").waitFor()
      })
    })
  )

  it.effect("while the service does not answer, the page says so, keeps what it shows, and continues by itself", () =>
    Effect.gen(function* () {
      const { busy } = yield* ConsolePage.Websites
      const { context, loaded, on, page } = yield* ConsolePage.show(`#/${busy.websiteConfigId}/overview`)
      yield* loaded
      const shown = yield* on(() => page.locator(".totals").textContent())
      yield* on(() => context.setOffline(true))
      yield* on(() => page.getByRole("button", { name: "Comparison: vs. period before" }).click())
      yield* on(() => page.getByRole("menuitemradio", { name: "No comparison" }).click())
      yield* on(() => page.getByText("There is no connection to the service.").waitFor())
      assert.isNotEmpty(yield* on(() => page.locator(".totals .figure").allTextContents()))
      yield* on(() => context.setOffline(false))
      yield* on(() => page.getByText("There is no connection to the service.").waitFor({ state: "detached" }))
      yield* loaded
      assert.notStrictEqual(yield* on(() => page.locator(".totals").textContent()), shown)
      assert.strictEqual(yield* on(() => page.locator(".change").count()), 0)
    })
  )

  it.effect("if only the leads cannot be counted, their total does not seem to load forever", () =>
    Effect.gen(function* () {
      const { busy } = yield* ConsolePage.Websites
      const { on, page, show } = yield* ConsolePage.open("#/")
      yield* on(() =>
        page.route("**/owner/query", (route) =>
          route.request().postData()?.includes('"metrics":["conversions"]')
            ? route.fulfill({ status: 500, body: "{}" })
            : route.continue()
        )
      )
      yield* show(`#/${busy.websiteConfigId}/overview`)
      const total = page.locator(".total", { hasText: "Leads" })
      yield* on(() => total.getByText("–", { exact: true }).waitFor())
      assert.match((yield* on(() => total.getAttribute("title"))) ?? "", /^The service has failed/)
    })
  )

  it.effect("the page's policy allows no foreign scripts and no frame around it", () =>
    Effect.gen(function* () {
      const { url } = yield* TestServer
      const { headers } = yield* Effect.promise(() => fetch(`${url}/console/`))
      const policy = headers.get("content-security-policy") ?? ""
      assert.notInclude(policy, "unsafe")
      for (const rule of ["default-src 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'"]) {
        assert.include(policy, rule)
      }
    })
  )
})
