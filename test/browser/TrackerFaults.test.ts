/**
 * The tracker on failing networks and on unusual pages.
 */
import { assert, describe } from "@effect/vitest"
import { Effect } from "effect"
import { inChromium, passTime, stopClock } from "../support/browser/Browser.ts"
import * as BrowserSite from "../support/browser/BrowserSite.ts"
import type { Received } from "../support/browser/Network.ts"
import { paths, layer as testServer } from "../support/TestServer.ts"
import { until } from "../support/Wait.ts"

const refuse = (status: number, headers: Record<string, string> = {}) => ({ _tag: "Answer", status, headers }) as const

const isView = ({ method, path }: Received) => method === "POST" && path === paths.track

inChromium("the tracker", testServer(), (it) => {
  describe("retries once", () => {
    const refusals = [
      { status: 429, wait: 30 },
      { status: 503, wait: 5 }
    ]
    for (const { status, wait } of refusals) {
      it.effect(`after a ${status}, at the time of Retry-After`, () =>
        Effect.gen(function* () {
          const { errors, fence, open, page, pages, relay, script, site, viewed } = yield* BrowserSite.make()
          pages["/a"] = script()
          relay.fault = (received) =>
            isView(received)
              ? refuse(status, { "retry-after": `${wait}`, "access-control-expose-headers": "retry-after" })
              : undefined
          yield* stopClock(page)
          yield* open(`${site.url}/a`)
          let seconds = 0
          const tick = () => {
            seconds++
            return passTime(page, 1000)
          }
          yield* until("the second attempt", async () => {
            await tick()
            return viewed().length === 2
          })
          assert.isAtLeast(seconds, wait)
          // After each fence, the second refusal has arrived.
          for (let i = 0; i < 4; i++) {
            yield* fence
            yield* Effect.promise(() => passTime(page, 50_000))
          }
          yield* fence
          assert.deepStrictEqual(viewed(), ["/a", "/a"])
          assert.deepStrictEqual(errors, [])
        })
      )
    }

    it.effect("immediately if the visitor leaves the page", () =>
      Effect.gen(function* () {
        const { evaluate, fence, open, page, pages, relay, script, site, viewed } = yield* BrowserSite.make()
        pages["/a"] = script()
        pages["/gone"] = "<p>Without a tracker</p>"
        let refused = 0
        relay.fault = (received) =>
          isView(received) && refused++ === 0 ? refuse(503, { "retry-after": "60" }) : undefined
        yield* stopClock(page)
        let answered = false
        page.on("response", (response) => {
          answered ||= response.url().endsWith(paths.track)
        })
        yield* open(`${site.url}/a`)
        yield* until("the refusal", () => answered)
        yield* fence
        assert.deepStrictEqual(viewed(), ["/a"])
        yield* Effect.ignore(evaluate(`location.href = "/gone"`))
        yield* until("the second attempt", () => viewed().length === 2)
      })
    )
  })

  it.effect("sends no view again after a network failure, because it may have been counted", () =>
    Effect.gen(function* () {
      const { errors, evaluate, fence, open, page, pages, relay, script, site, viewed } = yield* BrowserSite.make()
      pages["/a"] = script()
      pages["/gone"] = "<p>Without a tracker</p>"
      // The edge stores the view, but its answer is lost.
      relay.fault = (received) => (isView(received) ? { _tag: "Cut" } : undefined)
      yield* stopClock(page)
      yield* open(`${site.url}/a`)
      yield* until("the view", () => viewed().length > 0)
      yield* fence
      const sent = viewed().length
      yield* Effect.promise(() => passTime(page, 60_000))
      yield* fence
      assert.strictEqual(viewed().length, sent)
      yield* Effect.ignore(evaluate(`location.href = "/gone"`))
      yield* until("the next page", () => site.of("/gone", "GET").length === 1)
      assert.strictEqual(viewed().length, sent)
      assert.deepStrictEqual(errors, [])
    })
  )

  describe("does no harm", () => {
    it.effect("to a page that has changed globals", () =>
      Effect.gen(function* () {
        const { errors, evaluate, open, pages, script, site } = yield* BrowserSite.make()
        const broken = [
          "JSON.stringify = () => { throw new Error('no') }",
          "delete window.fetch; Navigator.prototype.sendBeacon = undefined",
          "window.MutationObserver = undefined",
          "window.URL = undefined",
          "Object.freeze(history)",
          "Object.freeze(window.hydracore = {})"
        ]
        for (const [index, script_] of broken.entries()) {
          pages[`/${index}`] = `<script>${script_}</script>${script()}`
          yield* open(`${site.url}/${index}`)
          yield* evaluate(
            `history.pushState({ n: ${index} }, "", "/pushed"); window.hydracore?.track?.({ toString() { throw 1 } })`
          )
          assert.strictEqual(yield* evaluate("location.pathname + history.state.n"), `/pushed${index}`)
        }
        assert.deepStrictEqual(errors, [])
      })
    )

    it.effect("and sends one view if the page runs it twice", () =>
      Effect.gen(function* () {
        const { fence, open, pages, script, site, viewed } = yield* BrowserSite.make()
        pages["/a"] = script() + script()
        yield* open(`${site.url}/a`)
        yield* until("the view", () => viewed().length === 1)
        yield* fence
        assert.deepStrictEqual(viewed(), ["/a"])
      })
    )

    it.effect("to a page with an element named `querySelector`", () =>
      Effect.gen(function* () {
        const { errors, evaluate, fence, open, pages, script, site, viewed } = yield* BrowserSite.make()
        pages["/a"] = `<img name="querySelector" alt="">${script()}`
        yield* open(`${site.url}/a`)
        yield* until("the view", () => viewed().length === 1)
        yield* evaluate(`document.body.append("more")`)
        yield* fence
        assert.deepStrictEqual(errors, [])
      })
    )

    it.effect("and passes on errors of the page's history calls", () =>
      Effect.gen(function* () {
        const { evaluate, open, pages, script, site } = yield* BrowserSite.make()
        pages["/a"] = script()
        yield* open(`${site.url}/a`)
        assert.strictEqual(
          yield* evaluate(`try { history.pushState({}, "", "https://elsewhere.test/") } catch (error) { error.name }`),
          "SecurityError"
        )
      })
    )
  })

  describe("works", () => {
    it.effect("with elements named like properties that it reads", () =>
      Effect.gen(function* () {
        const { edge, errors, evaluate, open, page, pages, script, site, views } = yield* BrowserSite.make()
        const elements = [
          `<section id="hydracore"></section>`,
          `<form name="hydracore"></form>`,
          `<form name="hidden"></form>`,
          `<form name="referrer"></form>`,
          `<img name="currentScript" alt="">`
        ]
        for (const [index, element] of elements.entries()) {
          pages[`/${index}`] =
            `${element}${script()}<form data-hydracore-form data-site="${edge.websiteConfigId}"></form>`
          yield* open(`${site.url}/${index}`)
          yield* until(`a view in spite of ${element}`, () => views().length === index + 1)
          assert.strictEqual(typeof views()[index]?.referrer, "string")
          assert.strictEqual(yield* evaluate("typeof hydracore.track"), "function")
          yield* until("the form enhancer", () =>
            page.evaluate<boolean>("document.querySelector('form [role=status]') !== null")
          )
        }
        assert.deepStrictEqual(errors, [])
      })
    )

    it.effect("through the website's proxy, also with a path in `data-track`", () =>
      Effect.gen(function* () {
        const { edge, open, pages, relay, site } = yield* BrowserSite.make({ forwards: "/anything" })
        const script = (attributes: string) =>
          `<script defer src="/anything/v1/public/embed.js" data-site="${edge.trackingToken}" ${attributes}></script>`
        pages["/a"] = script("")
        pages["/b"] = script(`data-track="/anything/v1/public/analytics/track?x"`)
        yield* open(`${site.url}/a`)
        yield* until("the first view", () => site.of("/anything/v1/public/analytics/track").length === 1)
        yield* open(`${site.url}/b`)
        yield* until("the second view", () => site.of("/anything/v1/public/analytics/track").length === 2)
        assert.deepStrictEqual(relay.received, [])
      })
    )

    it.effect("under a strict Content-Security-Policy", () =>
      Effect.gen(function* () {
        const { edge, errors, open, page, pages, relay, script, site, viewed } = yield* BrowserSite.make()
        const policies = [
          `default-src 'none'; script-src ${relay.url}; connect-src ${relay.url}`,
          `default-src 'none'; script-src 'nonce-r4nd0m' 'strict-dynamic'; connect-src ${relay.url}`
        ]
        for (const [index, policy] of policies.entries()) {
          pages[`/${index}`] = {
            body: `${script(`nonce="r4nd0m"`)}<form data-hydracore-form data-site="${edge.websiteConfigId}"></form>`,
            headers: { "content-security-policy": policy }
          }
          yield* open(`${site.url}/${index}`)
          yield* until("the view", () => viewed().length === index + 1)
          yield* until("the form enhancer", () =>
            page.evaluate<boolean>("document.querySelector('form [role=status]') !== null")
          )
        }
        assert.deepStrictEqual(errors, [])
      })
    )

    it.effect("and loads the form enhancer only when there is a form", () =>
      Effect.gen(function* () {
        const { evaluate, fence, open, page, pages, relay, script, site, viewed } = yield* BrowserSite.make()
        const loaded = () =>
          relay.received.filter(({ path }) => /^\/v1\/public\/forms\.[0-9a-f]{8}\.js$/.test(path)).length
        pages["/without"] = `${script()}<form></form>`
        pages["/with"] = `${script()}<form data-hydracore-form></form>`
        yield* open(`${site.url}/without`)
        yield* until("the view", () => viewed().length === 1)
        yield* fence
        assert.strictEqual(loaded(), 0)
        yield* evaluate(
          `history.pushState({}, "", "/contact"); document.body.innerHTML = "<main><form data-hydracore-form></form></main>"`
        )
        yield* until("the enhancer", () => loaded() === 1)
        yield* open(`${site.url}/with`)
        yield* until("the enhanced form", () =>
          page.evaluate<boolean>("document.querySelector('form [role=status]') !== null")
        )
      })
    )
  })
})
