/** What the tracker stores in the browser: nothing, so that a website needs no consent for it. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { inChromium } from "../support/browser/Browser.ts"
import * as BrowserSite from "../support/browser/BrowserSite.ts"
import { layer as testServer } from "../support/TestServer.ts"
import { until } from "../support/Wait.ts"

inChromium("the tracker", testServer(), (it) => {
  it.effect("leaves localStorage, sessionStorage, cookies, IndexedDB and caches empty, and sends no id", () =>
    Effect.gen(function* () {
      const { context, edge, errors, evaluate, open, page, pages, script, site, views } = yield* BrowserSite.make()
      pages["/a"] = script()
      // With an event and a form, which load the other scripts.
      pages["/b"] = `${script()}<button data-hydracore-event="Signup">Sign up</button>
        <form data-hydracore-form data-site="${edge.websiteConfigId}"><input name="name"><button>Send</button></form>`
      yield* open(`${site.url}/a?utm_source=ads`)
      yield* until("the first view", () => views().length === 1)
      yield* open(`${site.url}/b`)
      yield* until("the second view", () => views().length === 2)
      yield* Effect.promise(() => page.getByText("Sign up").click())
      yield* Effect.promise(() => page.fill("[name=name]", "Ada"))
      yield* Effect.promise(() => page.getByRole("button", { name: "Send", exact: true }).click())
      yield* Effect.promise(() => page.getByText("Thank you").waitFor())
      for (const view of views()) assert.hasAllKeys(view, ["site_id", "page_path", "referrer", "screen_width"])
      assert.deepStrictEqual(
        yield* evaluate(`Promise.all([indexedDB.databases(), window.caches?.keys() ?? []])
          .then(([databases, caches]) => [localStorage.length, sessionStorage.length, document.cookie, databases, caches])`),
        [0, 0, "", [], []]
      )
      assert.deepStrictEqual(yield* Effect.promise(() => context.cookies()), [])
      assert.deepStrictEqual(errors, [])
    })
  )
})
