/**
 * The demo's console, which has one website, in a browser profile without a session: the answer to the console's first request
 * opens one.
 */
import { setTimeout } from "node:timers/promises"
import { assert } from "@effect/vitest"
import { Clock, Effect } from "effect"
import * as DemoSite from "../../src/demo/DemoSite.ts"
import { ConsoleSessions } from "../../src/sites/access/ConsoleSession.ts"
import { Chromium, inChromium } from "../support/browser/Browser.ts"
import * as ConsolePage from "../support/console/ConsolePage.ts"
import { everySession } from "../support/Lists.ts"
import { TestServer, onFewConnections as testServer } from "../support/TestServer.ts"

const newProfile = Effect.gen(function* () {
  const { url, websiteConfigId } = yield* TestServer
  const visitor = yield* (yield* Chromium).visitor()
  const on = <A>(use: () => Promise<A>) => Effect.promise(use)
  return { ...visitor, on, url, websiteConfigId }
})

inChromium("the demo's console", testServer({ routes: DemoSite.openConsole }), (it) => {
  for (const isDelayed of [false, true]) {
    it.effect(
      `shows the only website at once, without a refused request${isDelayed ? ", if the session is late" : ""}`,
      () =>
        Effect.gen(function* () {
          const { errors, on, open, page, url, websiteConfigId } = yield* newProfile
          // The page's data never becomes old, so the page does not load it again after a while.
          const now = yield* Clock.currentTimeMillis
          yield* on(() => page.clock.setFixedTime(now))
          const refused: Array<string> = []
          page.on("response", (response) => {
            if (!response.ok()) refused.push(`${response.status()} ${new URL(response.url()).pathname}`)
          })
          if (isDelayed) {
            yield* on(() =>
              page.route("**/v1/owner/session", async (route) => {
                await setTimeout(300)
                await route.continue()
              })
            )
          }
          yield* open(`${url}/console/`)
          yield* on(() => page.getByRole("button", { name: "Session: Owner" }).waitFor())
          yield* on(() => page.getByRole("heading", { name: "No visits yet" }).waitFor())
          assert.strictEqual(new URL(page.url()).hash, `#/${websiteConfigId}/overview`)
          assert.deepStrictEqual(refused, [])
          assert.deepStrictEqual(errors, [])
        })
    )
  }

  it.effect("does not log in again whose session was ended, but another browser of the machine", () =>
    Effect.gen(function* () {
      const { on, open, page, url } = yield* newProfile
      yield* open(`${url}/console/`)
      const isLoggedIn = page.getByRole("button", { name: "Session: Owner" })
      yield* on(() => isLoggedIn.waitFor())
      // Only a later request shows the service that the browser has kept the cookie.
      yield* on(() => page.reload())
      yield* on(() => isLoggedIn.waitFor())
      const { list, revoke } = yield* ConsoleSessions
      for (const { session_id } of yield* list(everySession)) yield* revoke(session_id)
      yield* ConsolePage.refused(page)
      yield* on(() => page.reload())
      yield* on(() => page.getByRole("heading", { name: "Log in", exact: true }).waitFor())
      const other = yield* newProfile
      yield* other.open(`${url}/console/`)
      yield* on(() => other.page.getByRole("button", { name: "Session: Owner" }).waitFor())
    })
  )

  it.effect("lists the only website, and creates a second one", () =>
    Effect.gen(function* () {
      const { errors, on, open, page, url } = yield* newProfile
      const websites = page.getByRole("heading", { name: "Websites", exact: true })
      const choose = (name: string) =>
        on(async () => {
          await page.getByRole("button", { name: "Websites: Test" }).click()
          await page.getByRole("menuitemradio", { name }).click()
        })
      yield* open(`${url}/console/`)
      yield* choose("All websites")
      yield* on(() => websites.waitFor())
      // The list stays the list.
      yield* on(() => page.reload())
      yield* on(() => page.locator("a.site").click())
      yield* on(() => page.getByRole("link", { name: "All websites" }).click())
      yield* on(() => websites.waitFor())
      yield* on(() => page.goBack())

      yield* choose("New website")
      yield* on(async () => {
        await page.getByLabel("Name").fill("Second")
        await page.getByRole("button", { name: "Create" }).click()
        await page.getByText("Waiting for the first page view.").waitFor()
        await page.getByRole("button", { name: "Websites: Second" }).click()
      })
      assert.deepStrictEqual(yield* on(() => page.getByRole("menuitemradio").allTextContents()), [
        "All websites",
        "New website",
        "Test",
        "Second"
      ])
      yield* on(() => ConsolePage.loaded(page))
      assert.deepStrictEqual(yield* on(() => ConsolePage.violations(page)), [])
      assert.deepStrictEqual(errors, [])
    })
  )
})
