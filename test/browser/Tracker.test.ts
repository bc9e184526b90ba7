/**
 * The page views that the tracker sends, and those that it does not send.
 */
import { assert, describe } from "@effect/vitest"
import { Clock, Effect, Exit } from "effect"
import type { Page } from "playwright-core"
import { SiteDirectory } from "../../src/sites/SiteDirectory.ts"
import { inChromium, openWithoutAutomation } from "../support/browser/Browser.ts"
import * as BrowserSite from "../support/browser/BrowserSite.ts"
import { countsBy } from "../support/Counts.ts"
import { paths, onPostgres as testServer } from "../support/TestServer.ts"
import { poll, until } from "../support/Wait.ts"

inChromium("the tracker", testServer(), (it) => {
  describe("sends", () => {
    it.effect("a view when the page loads, without a preflight, and the edge counts it", () =>
      Effect.gen(function* () {
        const { edge, errors, open, pages, relay, script, site, views } = yield* BrowserSite.make()
        pages["/first"] = script()
        yield* open(`${site.url}/first?utm_source=news#top`)
        yield* until("the view", () => views().length === 1)
        const [view] = views()
        assert.strictEqual(view?.page_path, "/first?utm_source=news")
        assert.strictEqual(view?.site_id, edge.trackingToken)
        assert.isAbove(view?.screen_width ?? 0, 0)
        assert.match(relay.of(paths.track)[0]?.headers["content-type"] ?? "", /^text\/plain/)
        assert.strictEqual(relay.of(paths.track, "OPTIONS").length, 0)
        const { hostedWebsiteId } = (yield* SiteDirectory.use(({ list }) => list))[0]!
        const viewedPaths = countsBy(hostedWebsiteId, ["event:page"], ["pageviews"], {
          days: 1,
          now: yield* Clock.currentTimeMillis
        })
        yield* Effect.gen(function* () {
          while ((yield* viewedPaths).every(([path]) => path !== "/first")) yield* Effect.sleep("10 millis")
        }).pipe(Effect.timeout("60 seconds"))
        assert.deepStrictEqual(errors, [])
      })
    )

    for (const [browser, options] of [
      ["", {}],
      [", in a browser without the Navigation API", { before: "window.navigation = undefined" }]
    ] as const)
      it.effect(`a view for pushState, replaceState and popstate, once per path, not for fragments${browser}`, () =>
        Effect.gen(function* () {
          const { errors, evaluate, fence, open, pages, script, site, viewed, views } = yield* BrowserSite.make(options)
          pages["/a"] = script()
          yield* open(`${site.url}/a`)
          yield* until("the first view", () => viewed().length === 1)
          yield* evaluate(`history.pushState({}, "", "/b")`)
          yield* until("the second view", () => viewed().length === 2)
          yield* evaluate(
            `history.pushState({}, "", "/b?filter=1"); location.hash = "part"; history.replaceState({}, "", "#")`
          )
          yield* evaluate(`history.replaceState({}, "", "/c")`)
          yield* until("the third view", () => viewed().length === 3)
          yield* evaluate(`history.go(-3)`)
          yield* until("the fourth view", () => viewed().length === 4)
          yield* fence
          assert.deepStrictEqual(viewed(), ["/a", "/b", "/c", "/a"])
          // The referrer within a website is the previous page.
          assert.strictEqual(views()[1]?.referrer, `${site.url}/a`)
          assert.strictEqual(views()[0]?.referrer, "")
          assert.deepStrictEqual(errors, [])
        })
      )

    it.effect("a view for navigations by the Navigation API, once per path", () =>
      Effect.gen(function* () {
        const { errors, evaluate, fence, open, pages, script, site, viewed, views } = yield* BrowserSite.make()
        pages["/a"] = `<script>
          window.calls = 0
          addEventListener("popstate", () => calls++)
          navigation.addEventListener("navigate", (event) => event.canIntercept && event.intercept())
        </script>${script()}`
        yield* open(`${site.url}/a`)
        yield* until("the first view", () => viewed().length === 1)
        // These navigations call no method of the history and cause no popstate.
        yield* evaluate(`{
          for (const name of ["pushState", "replaceState"]) {
            const given = history[name]
            history[name] = function (...args) { calls++; return given.apply(this, args) }
          }
        }`)
        yield* evaluate(`navigation.navigate("/b?x=1").finished.then(() => {})`)
        yield* until("the second view", () => viewed().length === 2)
        yield* evaluate(`navigation.navigate("/b?x=2").finished.then(() => {})`)
        yield* evaluate(`navigation.navigate("#part").finished.then(() => {})`)
        yield* evaluate(`navigation.navigate("/c", { history: "replace" }).finished.then(() => {})`)
        yield* until("the third view", () => viewed().length === 3)
        assert.strictEqual(yield* evaluate("calls"), 0)
        yield* evaluate(`history.pushState({}, "", "/d")`)
        yield* until("the fourth view", () => viewed().length === 4)
        yield* fence
        assert.deepStrictEqual(viewed(), ["/a", "/b?x=1", "/c", "/d"])
        assert.strictEqual(views()[1]?.referrer, `${site.url}/a`)
        assert.deepStrictEqual(errors, [])
      })
    )

    it.effect("a view for fragments with hash routing", () =>
      Effect.gen(function* () {
        const { evaluate, open, pages, script, site, viewed } = yield* BrowserSite.make()
        pages["/app"] = script("data-hash")
        yield* open(`${site.url}/app`)
        yield* until("the first view", () => viewed().length === 1)
        yield* evaluate(`location.hash = "/prices"`)
        yield* until("the second view", () => viewed().length === 2)
        yield* evaluate(`location.hash = "!/prices/all"`)
        yield* until("the third view", () => viewed().length === 3)
        assert.deepStrictEqual(viewed(), ["/app", "/app/prices", "/app/prices/all"])
      })
    )

    it.effect("a view when the page returns from the back-forward cache", () =>
      Effect.gen(function* () {
        const { evaluate, open, pages, script, site, viewed } = yield* BrowserSite.make({ hasPageCache: true })
        pages["/"] = `${script()}<script>window.born = Math.random()</script>`
        pages["/other"] = "<p>Without a tracker</p>"
        yield* open(`${site.url}/`)
        yield* until("the first view", () => viewed().length === 1)
        const born = yield* evaluate("window.born")
        yield* open(`${site.url}/other`)
        yield* Effect.exit(evaluate("history.back()"))
        yield* until("the second view", () => viewed().length === 2)
        assert.deepStrictEqual(viewed(), ["/", "/"])
        // It is the same page, not a reload.
        const restored = yield* poll(Effect.exit(evaluate("window.born")), Exit.isSuccess)
        assert.deepStrictEqual(restored, Exit.succeed(born))
      })
    )

    it.effect("a view for each call of hydracore.track", () =>
      Effect.gen(function* () {
        const { evaluate, open, pages, script, site, viewed } = yield* BrowserSite.make()
        pages["/a"] = script()
        yield* open(`${site.url}/a?x=1`)
        yield* evaluate(`hydracore.track("/virtual"); hydracore.track()`)
        yield* until("three views", () => viewed().length === 3)
        assert.deepStrictEqual([...viewed()].sort(), ["/a?x=1", "/a?x=1", "/virtual"])
        yield* evaluate(`hydracore.track("/" + "x".repeat(5000))`)
        yield* until("the long view", () => viewed().length === 4)
        assert.strictEqual(viewed()[3]?.length, 2048)
      })
    )

    const ways: ReadonlyArray<readonly [how: string, leave: (page: Page, url: string) => Promise<unknown>]> = [
      ["by closing it", (page) => page.close()],
      ["by going elsewhere", (page, url) => page.goto(url)]
    ]
    for (const [how, leave] of ways) {
      it.effect(`the view of a page that is left at once, ${how}, even if the request has not started`, () =>
        Effect.gen(function* () {
          const { evaluate, open, page, pages, relay, script, site, viewed } = yield* BrowserSite.make()
          pages["/a"] = script()
          pages["/gone"] = "<p>Without a tracker</p>"
          yield* open(`${site.url}/a`)
          yield* until("the first view", () => viewed().length === 1)
          let go = () => {}
          const held = new Promise<void>((resolve) => {
            go = resolve
          })
          // Browsers open six connections to an origin; further requests wait.
          relay.fault = () => ({ _tag: "Hold", until: held })
          yield* evaluate(`for (let i = 0; i < 30; i++) history.pushState({}, "", "/" + i)`)
          yield* Effect.promise(() => leave(page, `${site.url}/gone`))
          assert.isBelow(viewed().length, 31)
          go()
          yield* until(
            () => `all views, not ${viewed().join()}`,
            () => viewed().length === 31
          )
          assert.deepStrictEqual(
            new Set(viewed()),
            new Set(["/a", ...Array.from({ length: 30 }, (_, number) => `/${number}`)])
          )
        })
      )
    }
  })

  describe("waits", () => {
    const hidden = `
      window.away = true
      for (const [name, value] of [["hidden", () => away], ["visibilityState", () => away ? "hidden" : "visible"]])
        Object.defineProperty(document, name, { get: value })`

    it.effect("until a page in a background tab is visible", () =>
      Effect.gen(function* () {
        const { evaluate, fence, open, pages, script, site, viewed } = yield* BrowserSite.make({ before: hidden })
        pages["/a"] = script()
        yield* open(`${site.url}/a`)
        yield* evaluate(`history.pushState({}, "", "/b")`)
        yield* fence
        assert.deepStrictEqual(viewed(), [])
        yield* evaluate(`away = false; document.dispatchEvent(new Event("visibilitychange", { bubbles: true }))`)
        yield* until("the view", () => viewed().length === 1)
        yield* fence
        assert.deepStrictEqual(viewed(), ["/b"])
      })
    )

    it.effect("until a prerendered page is shown", () =>
      Effect.gen(function* () {
        const { pages, relay, script, site, viewed } = yield* BrowserSite.make()
        pages["/a"] =
          `<script type="speculationrules">{"prerender": [{"urls": ["/b"], "eagerness": "immediate"}]}</script>
          <script>fetch("/go").then(() => { location.href = "/b" })</script>`
        // The request for the fence follows the tracker's run.
        pages["/b"] = `${script()}<script>addEventListener("load", () => fetch("${relay.url}/fence"))</script>`
        let go = () => {}
        const held = new Promise<void>((resolve) => {
          go = resolve
        })
        site.fault = ({ path }) => (path === "/go" ? { _tag: "Hold", until: held } : undefined)
        yield* openWithoutAutomation(`${site.url}/a`)
        yield* until("the page, prerendered", () => relay.of("/fence", "GET").length === 1)
        assert.strictEqual(site.of("/b", "GET")[0]?.headers["sec-purpose"], "prefetch;prerender")
        assert.deepStrictEqual(viewed(), [])
        go()
        yield* until("the view", () => viewed().length === 1)
        assert.deepStrictEqual(viewed(), ["/b"])
        // It is the prerendered page.
        assert.strictEqual(site.of("/b", "GET").length, 1)
      })
    )
  })

  describe("sends nothing", () => {
    const silent = (
      name: string,
      options: Parameters<typeof BrowserSite.make>[0],
      silentAttributes: string,
      sendingAttributes: string
    ) =>
      it.effect(name, () =>
        Effect.gen(function* () {
          const { errors, evaluate, fence, open, page, pages, script, site, viewed } = yield* BrowserSite.make(options)
          pages["/off"] = script(silentAttributes)
          pages["/on"] = script(sendingAttributes)
          yield* open(`${site.url}/off`)
          yield* evaluate(`history.pushState({}, "", "/b"); hydracore.track("/c")`)
          yield* fence
          assert.deepStrictEqual(viewed(), [])
          assert.strictEqual(yield* Effect.promise(() => page.evaluate("sessionStorage.length")), 0)
          yield* open(`${site.url}/on`)
          yield* until("the view", () => viewed().length === 1)
          assert.deepStrictEqual(viewed(), ["/on"])
          assert.deepStrictEqual(errors, [])
        })
      )

    silent("on localhost, unless data-local is set", { host: "localhost" }, "", "data-local")
    silent("on an address of this machine, unless data-local is set", { host: "127.0.0.1" }, "", "data-local")
    silent("in an automated browser, unless data-automated is set", { automated: true }, "", "data-automated")
    const define = (name: string, value: string) =>
      `Object.defineProperty(navigator, "${name}", { get: () => ${value} })`
    silent("with Do Not Track, if data-dnt is set", { before: define("doNotTrack", `"1"`) }, "data-dnt", "")
    silent(
      "with Global Privacy Control, if data-dnt is set",
      { before: define("globalPrivacyControl", "true") },
      "data-dnt",
      ""
    )

    it.effect("without a site", () =>
      Effect.gen(function* () {
        const { evaluate, fence, open, pages, relay, script, site, viewed } = yield* BrowserSite.make()
        pages["/a"] = script().replace(/data-site="[^"]*"/, "")
        yield* open(`${site.url}/a`)
        yield* evaluate(`hydracore.track("/c")`)
        yield* fence
        assert.deepStrictEqual(viewed(), [])
        assert.strictEqual(relay.of("/v1/public/embed.js", "GET").length, 1)
      })
    )
  })
})
