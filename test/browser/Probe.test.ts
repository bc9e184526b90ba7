import { assert } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { Chromium, inChromium, until } from "./Browser.ts"
import * as Network from "./Network.ts"

inChromium("probe", Layer.empty, (it) => {
  it.effect("bfcache", () =>
    Effect.gen(function* () {
      const site = yield* Network.listen({
        host: "shop.test",
        pages: {
          "/": "<h1>a</h1><script>window.n=0;addEventListener('pageshow',e=>{fetch('/persisted?'+e.persisted)})</script>",
          "/b": "<h1>b</h1>",
          "/p": `<script>var s=[document.prerendering, document.visibilityState]; document.addEventListener('prerenderingchange',()=>s.push('change')); fetch('/seen?'+s)</script>`,
          "/spec": `<script type=speculationrules>{"prerender":[{"source":"list","urls":["/p"],"eagerness":"immediate"}]}</script>`
        }
      })
      const { open, page, errors } = yield* (yield* Chromium).visitor()
      yield* open(site.url + "/")
      console.log(
        yield* Effect.promise(() =>
          page.evaluate(
            "[navigator.webdriver, isSecureContext, navigator.userAgent, document.visibilityState, navigator.doNotTrack, navigator.globalPrivacyControl]"
          )
        )
      )
      yield* open(site.url + "/b")
      yield* Effect.promise(() => page.evaluate("history.back()").catch(() => {}))
      yield* until("persist", () => site.received.find((r) => r.path === "/persisted?true"))
      yield* open(site.url + "/spec")
      const seen = yield* until("seen", () => site.received.find((r) => r.path.startsWith("/seen"))).pipe(
        Effect.timeoutOption("4 seconds")
      )
      console.log(
        seen,
        site.received.map((r) => r.path)
      )
      assert.deepStrictEqual(errors, [])
    })
  )
})
