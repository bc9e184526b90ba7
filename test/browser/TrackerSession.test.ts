/** The session that the tracker stores in a tab. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { inChromium } from "../support/browser/Browser.ts"
import * as BrowserSite from "../support/browser/BrowserSite.ts"
import { layer as testServer } from "../support/TestServer.ts"
import { until } from "../support/Wait.ts"

inChromium("the tracker's session", testServer(), (it) => {
  it.effect("is the same on all pages of a tab, and the tracker stores nothing else", () =>
    Effect.gen(function* () {
      const { context, evaluate, open, pages, script, site, views } = yield* BrowserSite.make()
      pages["/a"] = script()
      pages["/b"] = script()
      yield* open(`${site.url}/a`)
      yield* until("the first view", () => views().length === 1)
      yield* open(`${site.url}/b`)
      yield* until("the second view", () => views().length === 2)
      const [first, second] = views().map(({ session_id }) => session_id)
      assert.match(first ?? "", /^0\.[0-9]{8,}/)
      assert.strictEqual(second, first)
      assert.strictEqual(yield* evaluate("sessionStorage.length + ':' + localStorage.length"), "1:0")
      assert.deepStrictEqual(yield* Effect.promise(() => context.cookies()), [])
    })
  )

  it.effect("is absent if the tag disables it or the browser denies storage", () =>
    Effect.gen(function* () {
      const { errors, evaluate, open, pages, script, site, views } = yield* BrowserSite.make()
      pages["/a"] = script(`data-session="off"`)
      pages["/b"] = `<script>
        Object.defineProperty(window, "sessionStorage", { get() { throw new DOMException("no", "SecurityError") } })
      </script>${script()}`
      yield* open(`${site.url}/a`)
      yield* until("the first view", () => views().length === 1)
      assert.strictEqual(yield* evaluate("sessionStorage.length"), 0)
      yield* open(`${site.url}/b`)
      yield* until("the second view", () => views().length === 2)
      assert.deepStrictEqual(
        views().map(({ session_id }) => session_id),
        [undefined, undefined]
      )
      assert.deepStrictEqual(errors, [])
    })
  )
})
