/**
 * A shared dashboard in a browser: anyone with its address sees the overview, without small counts and without the console.
 */
import { assert } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import { Shares } from "../../src/sites/access/Share.ts"
import { layer as chromium, inChromium, type Visitor } from "../support/browser/Browser.ts"
import * as ConsolePage from "../support/console/ConsolePage.ts"
import { TestServer } from "../support/TestServer.ts"
import { pause } from "../support/Wait.ts"

/** A visitor without a session. All tests use the same page. */
class Stranger extends Context.Service<Stranger, Visitor>()("hydracore/test/console/Stranger") {
  static readonly layer = Layer.effect(Stranger, ConsolePage.newVisitor()).pipe(Layer.provide(chromium))
}

/** Creates a share of the busy website and opens it on the stranger's page. */
const open = Effect.fnUntraced(function* (search = "", look: ConsolePage.Look = {}) {
  const { url } = yield* TestServer
  const { busy } = yield* ConsolePage.Websites
  const shares = yield* Shares
  const created = yield* shares
    .create(busy.websiteConfigId, { label: null, expiresAt: null })
    .pipe(Effect.flatMap(Effect.fromOption), Effect.orDie)
  const visitor = yield* Stranger
  const { page } = visitor
  const on = <A>(use: () => Promise<A>) => Effect.promise(use)
  const loaded = on(() => ConsolePage.loaded(page))
  yield* ConsolePage.withLook(page, look)
  yield* visitor.open(`${url}/console/#/share/${created.secret}${search}`)
  // Otherwise a test could see the share of the test before it.
  yield* loaded
  yield* on(() => page.locator(".totals").waitFor())
  return { ...visitor, on, share: created.share, loaded }
})

inChromium("a shared dashboard", Layer.provideMerge(Stranger.layer, ConsolePage.layer), (it) => {
  it.effect("shows the overview alone, with counts rounded to multiples of 5", () =>
    Effect.gen(function* () {
      const { errors, loaded, on, page } = yield* open("?range=7d")
      yield* loaded
      assert.strictEqual(yield* on(() => page.locator(".now").textContent()), "<5 visitors now")
      const figures = yield* on(() => page.locator(".figure, .row .number").allTextContents())
      assert.isAbove(figures.length, 20)
      const counts = figures.filter((text) => /^[\d,]+$/.test(text)).map((text) => Number(text.replaceAll(",", "")))
      assert.deepStrictEqual(
        counts.filter((count) => count % 5 !== 0),
        []
      )
      assert.strictEqual(yield* on(() => page.getByRole("navigation").count()), 0)
      assert.strictEqual(yield* on(() => page.title()), "Shared statistics · Fjordlight Kayaks · HydraCore")
      yield* on(() => page.getByRole("button", { name: /^Days: / }).click())
      const ranges = yield* on(() => page.getByRole("menuitemradio").allTextContents())
      assert.include(ranges, "Last 30 days")
      for (const range of ["Yesterday", "Last month", "Choose days…"]) assert.notInclude(ranges, range)
      assert.deepStrictEqual(errors, [])
    })
  )

  it.effect("without visits says that a visit is not counted at once", () =>
    Effect.gen(function* () {
      const { url } = yield* TestServer
      const { fresh } = yield* ConsolePage.Websites
      const created = yield* Shares.use((shares) =>
        shares.create(fresh.websiteConfigId, { label: null, expiresAt: null })
      ).pipe(Effect.flatMap(Effect.fromOption), Effect.orDie)
      const { open, page } = yield* Stranger
      yield* open(`${url}/console/#/share/${created.secret}`)
      yield* Effect.promise(() => page.getByRole("heading", { name: "No visits counted yet" }).waitFor())
      yield* Effect.promise(() => page.getByText("A visit appears in the statistics within an hour.").waitFor())
    })
  )

  it.effect("has one filter at a time, which a click sets, replaces and removes", () =>
    Effect.gen(function* () {
      const { loaded, on, page } = yield* open()
      yield* loaded
      const filters = () => page.getByRole("region", { name: "Filters" }).locator(".filter b").allTextContents()
      const row = (name: string) => page.locator(".row").filter({ has: page.getByText(name, { exact: true }) })
      yield* on(() => row("Mobile").click())
      yield* loaded
      assert.deepStrictEqual(yield* on(filters), ["Mobile"])
      assert.isAbove(yield* on(() => page.locator(".row").count()), 3)
      yield* on(() => row("Norway").click())
      yield* loaded
      assert.deepStrictEqual(yield* on(filters), ["Norway"])
      assert.match(yield* on(() => page.evaluate<string>("location.hash")), /^#\/share\/hsh_[\w-]{43}\?country=NO$/)
      yield* on(() => row("Norway").click())
      yield* loaded
      assert.deepStrictEqual(yield* on(filters), [])
    })
  )

  it.effect("explains empty lists to guests without words about settings and commands", () =>
    Effect.gen(function* () {
      const { loaded, on, page } = yield* open("?source=nobody")
      const tabs = yield* on(() => page.locator(".tabs button").all())
      assert.isAtLeast(tabs.length, 10)
      for (const tab of tabs) {
        yield* on(() => tab.click())
        yield* loaded
        assert.notMatch((yield* on(() => page.locator("main").textContent())) ?? "", ConsolePage.ownersWords)
      }
      assert.isAbove(yield* on(() => page.getByText("Nothing with five or more visitors on these days.").count()), 3)
      assert.notInclude((yield* on(() => page.getByRole("slider").getAttribute("aria-description"))) ?? "", "Drag")
    })
  )

  it.effect("asks once for its password, and then shows exact numbers with the rate of leads", () =>
    Effect.gen(function* () {
      const { url } = yield* TestServer
      const { busy } = yield* ConsolePage.Websites
      const created = yield* Shares.use((shares) =>
        shares.create(busy.websiteConfigId, {
          label: null,
          expiresAt: null,
          numbers: "exact",
          password: "kayaks at dawn"
        })
      ).pipe(Effect.flatMap(Effect.fromOption), Effect.orDie)
      const { open, page } = yield* Stranger
      const on = <A>(use: () => Promise<A>) => Effect.promise(use)
      yield* open(`${url}/console/#/share/${created.secret}?metric=conversions`)
      const password = page.getByLabel("Password")
      yield* on(() => password.fill("kayaks at dusk"))
      assert.deepStrictEqual(yield* on(() => ConsolePage.violations(page)), [])
      yield* on(() => page.keyboard.press("Enter"))
      yield* on(() => page.getByText("This password is wrong.").waitFor())
      yield* on(() => password.fill("kayaks at dawn"))
      yield* on(() => page.keyboard.press("Enter"))
      yield* on(() => page.locator(".totals").waitFor())
      yield* on(() => ConsolePage.loaded(page))
      assert.match((yield* on(() => page.locator(".rows .number").allTextContents())).join(" "), /^\d+ [\d.]+%/)
      assert.strictEqual(yield* on(() => page.locator(".coarse").count()), 0)
      yield* on(() => page.reload())
      yield* on(() => page.locator(".totals").waitFor())
      assert.strictEqual(yield* on(() => password.count()), 0)
    })
  )

  it.effect("reports its end when it is revoked", () =>
    Effect.gen(function* () {
      const { loaded, on, page, share } = yield* open()
      yield* loaded
      yield* Shares.use((shares) => shares.revoke(share.site_id, share.share_id)).pipe(Effect.orDie)
      // The service looks the share up again after at most a second.
      yield* pause(1_000)
      yield* on(() => page.reload())
      yield* on(() => page.getByRole("heading", { name: "This dashboard is no longer shared" }).waitFor())
      assert.strictEqual(yield* on(() => page.locator(".totals").count()), 0)
    })
  )

  it.effect("has no violations of accessibility in light and dark mode, and does not scroll sideways", () =>
    Effect.gen(function* () {
      const { loaded, on, page } = yield* open("?range=7d&device=mobile", {
        viewport: { width: 360, height: 800 }
      })
      yield* loaded
      assert.deepStrictEqual(yield* on(() => ConsolePage.violationsInBothSchemes(page)), [])
      const overflow = yield* on(() => page.evaluate<number>("document.documentElement.scrollWidth - innerWidth"))
      assert.isAtMost(overflow, 0)
    })
  )
})
