/**
 * The console's page of who may see a website: an owner lets a colleague in, shares the dashboard, and takes both back.
 */
import { assert } from "@effect/vitest"
import { Clock, Effect, Layer } from "effect"
import { ConsoleSessions } from "../../src/sites/access/ConsoleSession.ts"
import { inChromium } from "../support/browser/Browser.ts"
import * as ConsolePage from "../support/console/ConsolePage.ts"
import { everySession } from "../support/Lists.ts"
import { until } from "../support/Wait.ts"

inChromium(
  "the console's sharing",
  Layer.provideMerge(ConsolePage.SharedOwner.layer, ConsolePage.layerOfTwoDays),
  (it) => {
    it.effect("a link lets a colleague see one website, until the owner removes the colleague", () =>
      Effect.gen(function* () {
        const { busy } = yield* ConsolePage.Websites
        const { errors, loaded, on, page } = yield* ConsolePage.show(`#/${busy.websiteConfigId}/sharing`)
        // No mail can be sent.
        yield* on(() => page.getByText("A link opens the console once, for anyone who has it.").waitFor())
        yield* on(() => page.getByRole("button", { name: "Invite a person" }).click())
        yield* on(() => page.getByLabel("Name", { exact: true }).fill("ada@example.org"))
        const sessions = "**/v1/owner/sessions"
        yield* on(() =>
          page.route(sessions, (route) =>
            route.request().method() === "POST"
              ? route.fulfill({ status: 429, headers: { "retry-after": "3600" }, json: { detail: "over the limit" } })
              : route.continue()
          )
        )
        yield* on(() => page.getByRole("button", { name: "Create a link" }).click())
        yield* on(() => page.getByText("A limit is reached. Try again in 60 minutes.").waitFor())
        yield* on(() => page.unroute(sessions))
        yield* on(() => page.getByRole("button", { name: "Create a link" }).click())
        const link = yield* on(() => page.getByRole("dialog", { name: "The link" }).locator("code").textContent())
        assert.match(link ?? "", /\/console\/#\/link\/hcl_[\w-]{43}$/)
        // It is not shown again, so only its button closes the dialog.
        yield* on(() => page.keyboard.press("Escape"))
        yield* on(() => page.getByRole("button", { name: "Done" }).click())
        yield* on(() => page.getByText("ada@example.org", { exact: true }).waitFor())
        yield* on(() => page.getByText(/^Viewer · Not opened yet/).waitFor())

        const colleague = yield* ConsolePage.newVisitor()
        yield* colleague.open(link ?? "")
        yield* on(() => colleague.page.getByRole("button", { name: "Open the console" }).click())
        yield* on(() => colleague.page.getByRole("button", { name: "Not now" }).click())
        yield* on(() => colleague.page.getByRole("button", { name: "Session: Viewer" }).waitFor())
        // The only website is open at once.
        yield* on(() => colleague.page.getByRole("button", { name: /^Websites: Fjordlight Kayaks/ }).waitFor())
        const pages = colleague.page.getByRole("navigation", { name: "Pages" })
        yield* on(() => pages.getByRole("link", { name: "Set up" }).waitFor())
        assert.strictEqual(yield* on(() => pages.getByRole("link", { name: "Sharing" }).count()), 0)
        yield* on(() => colleague.page.evaluate(`location.hash = "#/${busy.websiteConfigId}/sharing"`))
        yield* on(() => colleague.page.getByRole("heading", { name: "Only an owner can do this" }).waitFor())

        yield* on(() => page.getByRole("button", { name: "Remove ada@example.org" }).click())
        yield* on(() => page.getByRole("checkbox", { name: /^Also log out people/ }).check())
        const ended = page.waitForRequest((request) => request.method() === "DELETE")
        yield* on(() => page.getByRole("dialog").getByRole("button", { name: "Remove" }).click())
        assert.match((yield* on(() => ended)).url(), /\/v1\/owner\/sessions\/[\w-]+\?with_opened=true$/)
        yield* loaded
        yield* until(
          "the colleague is gone",
          async () => (await page.getByText("ada@example.org", { exact: true }).count()) === 0
        )
        yield* ConsolePage.refused(colleague.page)
        yield* on(() => colleague.page.reload())
        yield* on(() => colleague.page.getByRole("heading", { name: "Log in" }).waitFor())
        assert.deepStrictEqual(errors, [])
      })
    )

    for (const { button, endpoint, open } of [
      { open: "Invite a person", button: "Create a link", endpoint: "sessions" },
      { open: "Share the dashboard", button: "Create the URL", endpoint: "shares" }
    ]) {
      it.effect(`two quick clicks on “${button}” send one request`, () =>
        Effect.gen(function* () {
          const { fresh } = yield* ConsolePage.Websites
          const { on, page } = yield* ConsolePage.show(`#/${fresh.websiteConfigId}/sharing`)
          const answer = Promise.withResolvers<void>()
          let sent = 0
          yield* on(() =>
            page.route(`**/${endpoint}`, async (route) => {
              if (route.request().method() !== "POST") return route.continue()
              sent++
              await answer.promise
              return route.fulfill({ status: 429, json: { detail: "over the limit" } })
            })
          )
          const answered = page.waitForResponse((response) => response.request().method() === "POST")
          yield* on(() => page.getByRole("button", { name: open }).click())
          yield* on(() => page.getByRole("button", { name: button }).dblclick())
          answer.resolve()
          yield* on(() => answered)
          yield* on(() => page.getByRole("dialog").getByRole("alert").waitFor())
          assert.strictEqual(sent, 1)
          yield* on(() => page.unroute(`**/${endpoint}`))
          yield* on(() => page.getByRole("button", { name: "Cancel" }).click())
        })
      )
    }

    it.effect(
      "a shared dashboard is created and ended, without a violation of accessibility in light and dark mode",
      () =>
        Effect.gen(function* () {
          // Another website than in the test above, whose link would also be on the page.
          const { fresh } = yield* ConsolePage.Websites
          const { loaded, on, page } = yield* ConsolePage.show(`#/${fresh.websiteConfigId}/sharing`, {
            viewport: { width: 360, height: 800 }
          })
          yield* on(() => page.getByText("This dashboard is not shared.").waitFor())
          yield* loaded
          assert.deepStrictEqual(yield* on(() => ConsolePage.violationsInBothSchemes(page)), [], "nothing is shared")
          yield* on(() =>
            page.getByRole("region", { name: "Shared dashboards" }).getByText("or on the command line").click()
          )
          yield* on(() => page.getByText(`hydracore share create --site ${fresh.websiteConfigId}`).waitFor())
          yield* on(() => page.getByRole("button", { name: "Share the dashboard" }).click())
          yield* on(() => page.getByLabel("What it is for").fill("Agency"))
          assert.deepStrictEqual(yield* on(() => ConsolePage.violationsInBothSchemes(page, "dialog")), [], "the form")
          yield* on(() => page.getByRole("button", { name: "Create the URL" }).click())
          const url = yield* on(() => page.getByRole("dialog").locator("code").textContent())
          assert.match(url ?? "", /\/console\/#\/share\/hsh_[\w-]{43}$/)
          yield* on(() => page.getByText("Anyone with this URL can see the statistics.").waitFor())
          yield* on(() => page.getByRole("button", { name: "Done" }).click())
          yield* on(() => page.getByText("Agency", { exact: true }).waitFor())
          yield* loaded
          // The step of the empty list is gone, so the button in the head of the section has the focus.
          yield* on(() => page.locator("header .button:focus", { hasText: "Share the dashboard" }).waitFor())
          assert.deepStrictEqual(
            yield* on(() => ConsolePage.violationsInBothSchemes(page, "main")),
            [],
            "the dashboard"
          )
          const overflow = yield* on(() => page.evaluate<number>("document.documentElement.scrollWidth - innerWidth"))
          assert.isAtMost(overflow, 0)
          yield* on(() => page.getByRole("button", { name: "Stop sharing Agency" }).click())
          yield* on(() => page.keyboard.press("Enter"))
          yield* on(() => page.getByText("This dashboard is not shared.").waitFor())
        })
    )

    it.effect("an invitation with a name also says to which address it was mailed", () =>
      Effect.gen(function* () {
        const { busy } = yield* ConsolePage.Websites
        const { on, page } = yield* ConsolePage.show(`#/${busy.websiteConfigId}/sharing`)
        // The server of the tests sends no mail.
        const invitation = {
          session_id: "0194f5c0-0000-7000-8000-000000000001",
          person: null,
          roles: [{ role: "member", sites: [busy.websiteConfigId] }],
          email: "ben@example.org",
          device: null,
          created_at: "2026-01-01T00:00:00.000Z",
          opened_at: null,
          last_used_at: null,
          ends_at: "2026-01-02T00:00:00.000Z",
          created_by: null,
          current: false
        }
        const sessions = [
          { ...invitation, label: "Ben" },
          { ...invitation, session_id: "0194f5c0-0000-7000-8000-000000000002", label: null }
        ]
        const list = "**/v1/owner/sessions?**"
        yield* on(() => page.route(list, (route) => route.fulfill({ json: { can_mail: true, sessions, next: null } })))
        yield* on(() => page.reload())
        yield* on(() => page.getByText("Ben", { exact: true }).waitFor())
        yield* on(() => page.getByText(/^ben@example.org · Member · Not opened yet/).waitFor())
        // The address stands in for a name once.
        yield* on(() => page.getByText("ben@example.org", { exact: true }).waitFor())
        yield* on(() => page.getByText(/^Member · Not opened yet/).waitFor())
        yield* on(() => page.unroute(list))
      })
    )

    it.effect("the URL of a dashboard with a password says that the password is needed too", () =>
      Effect.gen(function* () {
        const { busy } = yield* ConsolePage.Websites
        const { on, page } = yield* ConsolePage.show(`#/${busy.websiteConfigId}/sharing`)
        yield* on(() => page.getByRole("button", { name: "Share the dashboard" }).click())
        yield* on(() => page.getByLabel("Password").fill("kayaks at dawn"))
        yield* on(() => page.getByRole("button", { name: "Create the URL" }).click())
        yield* on(() => page.getByText("Anyone with this URL and the password can see the statistics.").waitFor())
        yield* on(() => page.getByRole("button", { name: "Done" }).click())
      })
    )

    it.effect("a link reaches the websites that are chosen, and is valid as long as the owner says", () =>
      Effect.gen(function* () {
        const { busy, fresh } = yield* ConsolePage.Websites
        const { loaded, on, page } = yield* ConsolePage.show(`#/${busy.websiteConfigId}/sharing`, {
          viewport: { width: 360, height: 800 }
        })
        yield* on(() => page.getByRole("button", { name: "Invite a person" }).click())
        yield* on(() => page.getByLabel("Name", { exact: true }).fill("Ola"))
        yield* on(() => ConsolePage.choose(page.getByRole("combobox", { name: "Websites" }), "Several websites"))
        yield* on(() => page.getByRole("checkbox", { name: "Fjordlight Kayaks" }).uncheck())
        yield* on(() => ConsolePage.choose(page.getByLabel("The link is valid for"), "A week"))
        const stored = ConsoleSessions.use(({ list }) => list(everySession)).pipe(
          Effect.map((sessions) => sessions.find(({ label }) => label === "Ola"))
        )
        // Without a website, the browser does not send the form.
        yield* on(() => page.getByRole("button", { name: "Create a link" }).click())
        assert.strictEqual(yield* on(() => page.locator("form input:invalid").count()), 1)
        assert.isUndefined(yield* stored)
        yield* on(() => page.getByRole("checkbox", { name: "Fjordlight Kayaks" }).check())
        yield* on(() => page.getByRole("checkbox", { name: "New website" }).check())
        yield* loaded
        assert.deepStrictEqual(yield* on(() => ConsolePage.violationsOfPart(page, "dialog")), [])
        const before = yield* Clock.currentTimeMillis
        yield* on(() => page.getByRole("button", { name: "Create a link" }).click())
        yield* on(() => page.getByText(/^Viewer · Not opened yet; the link expires .* · 2 websites$/).waitFor())
        const link = yield* stored
        assert.sameMembers(
          (link?.roles ?? []).flatMap(({ sites }) => [...sites]),
          [busy.websiteConfigId, fresh.websiteConfigId]
        )
        assert.closeTo(Date.parse(link?.ends_at ?? "") - before, 7 * 86_400_000, 600_000)
      })
    )
  }
)
