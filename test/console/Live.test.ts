/**
 * The console's live page in a browser: visits and what else arrives show up by themselves, and the lists pause on request.
 */
import { assert } from "@effect/vitest"
import { Clock, Effect, Layer } from "effect"
import { AnalyticsRepo } from "../../src/analytics/AnalyticsRepo.ts"
import { SubmissionRepo } from "../../src/forms/SubmissionRepo.ts"
import { ConsoleSessions } from "../../src/sites/access/ConsoleSession.ts"
import { SiteDirectory } from "../../src/sites/SiteDirectory.ts"
import { inChromium } from "../support/browser/Browser.ts"
import * as ConsolePage from "../support/console/ConsolePage.ts"
import * as ConversationData from "../support/console/ConversationData.ts"
import { everySession } from "../support/Lists.ts"
import * as Draft from "../support/SubmissionDraft.ts"
import { view } from "../support/TestStorage.ts"
import { until } from "../support/Wait.ts"

const newSite = SiteDirectory.use((sites) => sites.create({ name: "Live", origins: [] })).pipe(Effect.orDie)

type Site = Effect.Success<typeof newSite>

/** A page view of a visitor, some minutes ago. Each session is a visit. */
const visit = Effect.fnUntraced(function* (
  { hostedWebsiteId }: Site,
  path: string,
  visitor = 1,
  minutesAgo = 0,
  sessionId: string | null = null
) {
  const receivedAt = (yield* Clock.currentTimeMillis) - minutesAgo * 60_000
  const visited = view(0, visitor, hostedWebsiteId)
  const campaign = { ...visited.campaign, source: null }
  yield* AnalyticsRepo.use((views) =>
    views.append({ ...visited, sessionId, campaign, referrerHost: "www.google.co.uk", path, receivedAt })
  )
}, Effect.orDie)

/** The live page of a website without data, on the page that tests share. */
const show = (site: Site, look?: ConsolePage.Look) => ConsolePage.show(`#/${site.websiteConfigId}/live`, look)

const spareSite = ConsolePage.SpareSites.use(({ take }) => take)

const layer = Layer.mergeAll(ConsolePage.SharedOwner.layer, ConsolePage.SpareSites.layer("Live", 6)).pipe(
  Layer.provideMerge(ConsolePage.layerOfTwoDays)
)

inChromium("the console's live page", layer, (it) => {
  it.effect("shows one row for a visit, with its page, its pages so far and its beginning", () =>
    Effect.gen(function* () {
      const site = yield* spareSite
      yield* visit(site, "/", 1, 3)
      yield* visit(site, "/blog", 2, 4)
      // Not on the website any more.
      yield* visit(site, "/old", 3, 20)
      const { errors, on, page } = yield* show(site)
      const pages = on(() => page.locator(".live-visit bdi").allTextContents())
      yield* on(() => page.locator(".live-visit bdi").nth(1).waitFor())
      assert.deepStrictEqual(yield* pages, ["/", "/blog"])
      yield* visit(site, "/pricing", 1)
      yield* on(() => page.getByText("/pricing", { exact: true }).waitFor())
      // The visit has moved to another page; no row was added.
      assert.deepStrictEqual(yield* pages, ["/pricing", "/blog"])
      const row = yield* on(() => page.locator(".live-visit").first().textContent())
      assert.match(row ?? "", /\/pricing from Google · Norway · Mobile · Safari2 page viewssince \d+:\d\d/)
      assert.deepStrictEqual(errors, [])
    })
  )

  it.effect("says how many visits the rows are if a visitor has several", () =>
    Effect.gen(function* () {
      const site = yield* spareSite
      yield* visit(site, "/one", 1, 0, "11111111-1111-4111-8111-111111111111")
      const { on, page } = yield* show(site)
      const now = page.locator(".now")
      yield* on(() => page.locator(".live-visit bdi").waitFor())
      yield* until("one visit", async () => (await now.textContent()) === "1 visitor now")
      yield* visit(site, "/two", 1, 0, "22222222-2222-4222-8222-222222222222")
      yield* until("two visits", async () => (await now.textContent()) === "1 visitor now, in 2 visits")
      yield* until("two rows", async () => (await page.locator(".live-visit bdi").count()) === 2)
      // Two other IP addresses in the same visit.
      yield* visit(site, "/three", 2, 0, "22222222-2222-4222-8222-222222222222")
      yield* visit(site, "/four", 3, 0, "22222222-2222-4222-8222-222222222222")
      yield* on(() => page.locator(".live-visit bdi", { hasText: "/four" }).waitFor())
      assert.strictEqual(yield* on(() => now.textContent()), "2 visitors now")
    })
  )

  it.effect("says when the last page view was while nobody is on the website", () =>
    Effect.gen(function* () {
      const site = yield* spareSite
      yield* visit(site, "/", 1, 30)
      const { on, page } = yield* show(site)
      yield* on(() => page.getByText(/^Nobody is on the website now. The last page view was at \d/).waitFor())
    })
  )

  it.effect("explains what to do while nothing has arrived, then shows new entries at the top", () =>
    Effect.gen(function* () {
      const site = yield* spareSite
      const { errors, on, page } = yield* show(site)
      yield* on(() => page.getByRole("heading", { name: "Nothing has arrived yet" }).waitFor())
      yield* visit(site, "/tours")
      yield* on(() => page.getByText("/tours", { exact: true }).waitFor())
      yield* on(() => page.getByText("1 visitor now").waitFor())
      const receivedAt = yield* Clock.currentTimeMillis
      yield* SubmissionRepo.use((submissions) =>
        submissions.submit(Draft.make(site.websiteConfigId, { pageSlug: "booking", receivedAt }))
      )
      const instance = yield* ConversationData.newInstance(site.websiteConfigId, "Guide")
      for (const turns of ConversationData.examples.slice(0, 1)) yield* ConversationData.store(instance, ...turns)
      yield* on(() => page.getByRole("link", { name: "A visitor began to chat" }).waitFor())
      yield* on(() => page.getByRole("link", { name: "booking" }).click())
      yield* on(() => page.locator(".details header").waitFor())
      assert.deepStrictEqual(errors, [])
    })
  )

  it.effect("a quarantined submission is opened in the quarantine", () =>
    Effect.gen(function* () {
      const site = yield* spareSite
      const receivedAt = yield* Clock.currentTimeMillis
      yield* SubmissionRepo.use((submissions) =>
        submissions.submit(
          Draft.make(site.websiteConfigId, {
            pageSlug: "spam",
            status: "quarantined",
            reasons: ["links"],
            receivedAt
          })
        )
      )
      const { on, page } = yield* show(site)
      yield* on(() => page.getByRole("link", { name: "spam" }).click())
      yield* on(() => page.locator(".details header").waitFor())
      yield* on(() => page.getByRole("button", { name: "Quarantine", pressed: true }).waitFor())
    })
  )

  it.effect("stops while it is paused, and continues with what has arrived since", () =>
    Effect.gen(function* () {
      const site = yield* spareSite
      yield* visit(site, "/first")
      const { on, page } = yield* show(site)
      yield* on(() => page.getByText("/first", { exact: true }).waitFor())
      yield* on(() => page.getByRole("button", { name: "Pause" }).click())
      yield* on(() => page.getByText("Paused.", { exact: true }).waitFor())
      yield* visit(site, "/second", 2)
      yield* on(() => page.getByText("Paused. There is something new.").waitFor())
      assert.strictEqual(yield* on(() => page.getByText("/second", { exact: true }).count()), 0)
      yield* on(() => page.getByRole("button", { name: "Resume" }).click())
      yield* on(() => page.getByText("/second", { exact: true }).waitFor())
      // The list also pauses while the mouse is over it.
      yield* on(() => page.locator(".live-visit").first().hover())
      yield* visit(site, "/third", 3)
      yield* on(() => page.getByText("It is shown when the pointer leaves the lists.").waitFor())
      // Beside the button "Pause", the page does not say that it is paused.
      assert.strictEqual(yield* on(() => page.getByText("Paused").count()), 0)
      yield* on(() => page.getByRole("button", { name: "Pause" }).hover())
      yield* on(() => page.getByText("/third", { exact: true }).waitFor())
      assert.deepStrictEqual(yield* on(() => page.locator(".live-visit bdi").allTextContents()), [
        "/third",
        "/second",
        "/first"
      ])
    })
  )

  it.effect("shows what has arrived if the mouse is over the lists as soon as they are shown", () =>
    Effect.gen(function* () {
      const site = yield* newSite
      yield* visit(site, "/first")
      const { on, page } = yield* ConsolePage.open(`#/${site.websiteConfigId}`)
      const answer = Promise.withResolvers<void>()
      yield* on(async () => {
        await page.route("**/live", async (route) => {
          await answer.promise
          await route.continue()
        })
        await page.getByRole("link", { name: "Live", exact: true }).click()
        await page.locator(".live-visit .skeleton").first().hover()
        answer.resolve()
        await page.getByText("/first", { exact: true }).waitFor()
      })
      yield* visit(site, "/second", 2)
      yield* on(() => page.locator(".live-visit").first().hover())
      yield* on(() =>
        page.getByText("/second", { exact: true }).or(page.getByText("There is something new.")).first().waitFor()
      )
    })
  )

  it.effect("keeps its entries while it is paused, even if more arrive than the list can have", () =>
    Effect.gen(function* () {
      const site = yield* newSite
      const { on, page } = yield* ConsolePage.open(`#/${site.websiteConfigId}`)
      const arrive = (kind: "latest" | "change", ...names: ReadonlyArray<string>) => {
        const visitor = { path: "/", browser: null, country: null, device: null }
        const activity = names.map((name) => ({
          type: "event",
          received_at: "2026-11-27T05:00:00.000Z",
          name,
          ...visitor
        }))
        const data = JSON.stringify(JSON.stringify({ visitors: 1, visits: [], activity }))
        return on(() => page.evaluate(`feed.dispatchEvent(new MessageEvent("${kind}", { data: ${data} }))`))
      }
      yield* on(async () => {
        await page.evaluate(
          "window.EventSource = class extends EventTarget { constructor() { super(); window.feed = this } close() {} }"
        )
        await page.getByRole("link", { name: "Live", exact: true }).click()
        await page.getByRole("button", { name: "Pause" }).waitFor()
        await page.waitForFunction("'feed' in window")
      })
      yield* arrive("latest", "first")
      yield* on(() => page.getByRole("button", { name: "Pause" }).click())
      yield* arrive("change", ...Array.from({ length: 250 }, () => "later"))
      yield* on(() => page.getByText("Paused. There is something new.").waitFor())
      assert.deepStrictEqual(yield* on(() => page.locator(".arrival .what bdi").allTextContents()), ["first"])
    })
  )

  it.effect("says that the live activity cannot be loaded, and shows what has arrived once it can be", () =>
    Effect.gen(function* () {
      const site = yield* newSite
      const { on, page } = yield* ConsolePage.open(`#/${site.websiteConfigId}`)
      yield* on(() => page.route("**/live", (route) => route.abort()))
      yield* on(() => page.getByRole("link", { name: "Live", exact: true }).click())
      yield* on(() => page.getByRole("heading", { name: "The live activity cannot be loaded" }).waitFor())
      yield* on(() => page.unroute("**/live"))
      yield* visit(site, "/late")
      yield* on(() => page.getByText("/late", { exact: true }).waitFor())
    })
  )

  it.effect("says that the session has ended, when it has", () =>
    Effect.gen(function* () {
      const site = yield* newSite
      yield* visit(site, "/first")
      const { on, page } = yield* ConsolePage.open(`#/${site.websiteConfigId}/live`, {}, "viewer")
      yield* on(() => page.getByText("/first", { exact: true }).waitFor())
      const sessions = yield* ConsoleSessions
      for (const { roles, session_id } of yield* sessions.list(everySession).pipe(Effect.orDie)) {
        if (roles.some(({ role }) => role === "viewer")) yield* sessions.revoke(session_id).pipe(Effect.orDie)
      }
      yield* on(() => page.getByRole("heading", { name: "Your session has ended" }).waitFor())
    })
  )

  it.effect("has no violations of accessibility in light and dark mode", () =>
    Effect.gen(function* () {
      const { busy } = yield* ConsolePage.Websites
      const { on, page } = yield* show(busy, { viewport: { width: 360, height: 800 } })
      yield* on(() => page.locator(".arrival").first().waitFor())
      yield* on(() => page.getByRole("button", { name: "Pause" }).click())
      yield* until("it is paused", async () => (await page.getByText("Paused.").count()) === 1)
      assert.deepStrictEqual(yield* on(() => ConsolePage.violationsInBothSchemes(page)), [])
      const overflow = yield* on(() => page.evaluate<number>("document.documentElement.scrollWidth - innerWidth"))
      assert.isAtMost(overflow, 0)
    })
  )
})
