/**
 * The demo: a website that uses the service, beside a live view of what arrives.
 */

import { assert } from "@effect/vitest"
import { Context, Effect, Layer, Option } from "effect"
import { HttpServer } from "effect/http"
import * as ScriptedAgent from "../../src/chat/AgentStream.ts"
import { InstanceDirectory } from "../../src/chat/InstanceDirectory.ts"
import { WidgetTokens } from "../../src/chat/WidgetTokens.ts"
import type { Demo } from "../../src/demo/DemoData.ts"
import * as DemoFeed from "../../src/demo/DemoFeed.ts"
import * as DemoSite from "../../src/demo/DemoSite.ts"
import { layerMemory } from "../../src/platform/limits/RateLimit.ts"
import * as Server from "../../src/server/Server.ts"
import { SiteDirectory } from "../../src/sites/SiteDirectory.ts"
import { violations, violationsInOtherWidth } from "../support/browser/Axe.ts"
import { Chromium, inChromium } from "../support/browser/Browser.ts"
import { postgres } from "../support/Storages.ts"
import * as TestDeliveries from "../support/TestDeliveries.ts"
import { options, TestServer, layer as testServer } from "../support/TestServer.ts"
import { until } from "../support/Wait.ts"

class RunningDemo extends Context.Service<RunningDemo, { readonly demo: Demo; readonly feed: DemoFeed.DemoFeed }>()(
  "hydracore/test/browser/RunningDemo"
) {}

/** Serves the demo's pages and its live feed. The stores are in memory, and the agent always answers "Yes, from six." */
const running = Layer.effectContext(
  Effect.gen(function* () {
    const feed = yield* DemoFeed.make
    const site = yield* DemoSite.make(feed)
    const agent = ScriptedAgent.layerScripted(() => ScriptedAgent.texts(["Yes,", " from", " six."]))
    const service = yield* Layer.build(
      Server.layer({ ...options, routes: site.routes }).pipe(
        Layer.provide([TestDeliveries.layer(), layerMemory({ maxKeys: 100 }), Layer.provide(feed.observers, agent)]),
        Layer.provideMerge(postgres())
      )
    )
    yield* Effect.addFinalizer(() => feed.end)
    const demo = yield* Effect.gen(function* () {
      const { address } = yield* HttpServer.HttpServer
      const site = yield* SiteDirectory.use((sites) => sites.create({ name: "Demo", origins: [] }))
      const { instance_id: instanceId } = yield* InstanceDirectory.use((instances) =>
        instances.create({
          name: "Demo",
          agent_url: "http://agent",
          agent_model: null,
          agent_key_env: null,
          origins: []
        })
      )
      const token = yield* WidgetTokens.use((tokens) =>
        tokens.issue({ reach: "all", instanceId, label: null, expiresAt: null })
      )
      yield* feed.show({ ...site, instanceId })
      return {
        base_url: HttpServer.formatAddress(address),
        website_config_id: site.websiteConfigId,
        tracking_token: site.trackingToken,
        instance_id: instanceId,
        widget_token: Option.getOrThrow(token).token
      }
    }).pipe(Effect.provide(service))
    yield* site.open(demo)
    return Context.add(service, RunningDemo, { demo, feed })
  })
).pipe(Layer.orDie)

inChromium("the demo", running, (it) => {
  it.effect("shows page views, a submission and the tokens of an answer as they arrive", () =>
    Effect.gen(function* () {
      const { demo } = yield* RunningDemo
      const { errors, open, page } = yield* (yield* Chromium).visitor({ viewport: { width: 1440, height: 900 } })
      const on = <A>(use: () => Promise<A>) => Effect.promise(use)
      const site = page.frameLocator("#frame")
      const views = () => page.locator("article.view .path").allTextContents()
      const path = "/demo/site"
      yield* open(`${demo.base_url}/demo`)
      yield* until("the first view", async () => (await views()).join() === path)
      assert.strictEqual(yield* on(() => page.locator("li.done").count()), 0)

      // The website's pages change without a reload.
      yield* on(() => page.frame({ url: /\/demo\/site$/ })!.evaluate("window.isTheSame = true"))
      yield* on(() => site.getByRole("link", { name: "Tours", exact: true }).click())
      yield* until("the second view", async () => (await views()).join() === `${path}/tours,${path}`)
      yield* on(() => site.getByRole("heading", { name: "Three ways into the fjord" }).waitFor())
      yield* on(() => site.getByRole("link", { name: "Contact", exact: true }).click())
      yield* until("the third view", async () => (await views())[0] === `${path}/contact`)
      assert.strictEqual(yield* on(() => page.frame({ url: /\/contact$/ })!.evaluate("window.isTheSame")), true)
      yield* until("the address", async () => (await page.locator("#address").textContent()) === `${path}/contact`)

      yield* on(() => site.getByLabel("Name").fill("Ada"))
      yield* on(() => site.getByLabel("Email").fill("ada@example.org"))
      yield* on(() => site.getByRole("textbox", { name: "Message", exact: true }).fill("<b>Hello</b>"))
      yield* on(() => site.getByRole("button", { name: "Send", exact: true }).click())
      const submission = page.locator("article.submission")
      yield* on(() => submission.getByText("<b>Hello</b>").waitFor())
      yield* on(() => submission.getByText("Form submission · contact").waitFor())
      yield* on(() => site.getByText("Tusen takk!").waitFor())

      yield* on(() => site.getByRole("button", { name: "Open chat" }).click())
      yield* on(() => site.getByRole("textbox", { name: "Your message" }).fill("For children?"))
      yield* on(() => page.keyboard.press("Enter"))
      yield* until(
        "the tokens",
        async () => (await page.locator(".token").allTextContents()).join("|") === "Yes,| from| six."
      )
      yield* on(() => page.locator("article.chat").getByText("For children?").waitFor())
      yield* on(() => site.getByText("Yes, from six.").last().waitFor())
      const counts = () => page.locator(".counts b").allTextContents()
      yield* until("the counts", async () => (await counts()).join() === "3,1,3")
      assert.deepStrictEqual(
        yield* on(() => page.locator("li:not(.done)[id]").evaluateAll((all) => all.map(({ id }) => id))),
        ["try-view"]
      )

      // A later viewer receives earlier events.
      yield* open(`${demo.base_url}/demo`)
      yield* until("the counts again", async () => (await counts()).slice(1).join() === "1,3")
      yield* until("no robots", async () => (await page.getByText("a robot").count()) === 0)
      assert.deepStrictEqual(errors, [])
    })
  )

  it.effect("has no axe-core violations, and fits a small screen", () =>
    Effect.gen(function* () {
      const { demo } = yield* RunningDemo
      const { open, page } = yield* (yield* Chromium).visitor()
      for (const path of ["/demo", "/demo/site", "/demo/site/tours", "/demo/site/contact"]) {
        yield* open(demo.base_url + path)
        const shell = page.getByText("live", { exact: true })
        yield* Effect.promise(() => shell.or(page.getByRole("button", { name: "Open chat" })).waitFor())
        for (const [width, check] of [
          [1280, violations],
          [320, violationsInOtherWidth]
        ] as const) {
          yield* Effect.promise(() => page.setViewportSize({ width, height: 800 }))
          assert.deepStrictEqual(yield* Effect.promise(() => check(page)), [], `${path} at ${width}`)
          const fits = yield* Effect.promise(() => page.evaluate("document.documentElement.scrollWidth <= innerWidth"))
          assert.isTrue(fits, `${path} at ${width}`)
        }
      }
    })
  )

  it.effect("is not readable by another website", () =>
    Effect.gen(function* () {
      const { demo } = yield* RunningDemo
      for (const [from, status] of [
        ["cross-site", 403],
        ["same-site", 403],
        ["same-origin", 200]
      ] as const) {
        const answer = yield* Effect.promise((signal) =>
          fetch(`${demo.base_url}/demo/events`, { headers: { "sec-fetch-site": from }, signal })
        )
        assert.strictEqual(answer.status, status)
        yield* Effect.promise(async () => answer.body?.cancel())
      }
    })
  )

  it.effect("ends its event streams on shutdown", () =>
    Effect.gen(function* () {
      const { demo, feed } = yield* RunningDemo
      const view = JSON.stringify({ site_id: demo.tracking_token, page_path: "/last" })
      yield* Effect.promise(() => fetch(`${demo.base_url}/v1/public/analytics/track`, { method: "POST", body: view }))
      const answer = yield* Effect.promise(() => fetch(`${demo.base_url}/demo/events`))
      yield* feed.end
      // Complete frames, then the end.
      const frames = (yield* Effect.promise(() => answer.text())).split("\n\n")
      assert.deepStrictEqual([frames[0], frames.at(-1)], [": ping", ""])
      assert.match(frames.at(-2) ?? "", /^id: [0-9]+\ndata: \{.*"path":"\/last".*\}$/)
    })
  )
})

inChromium("the service itself", testServer(), (it) => {
  it.effect("has no demo", () =>
    Effect.gen(function* () {
      const { url } = yield* TestServer
      for (const path of ["/demo", "/demo/site", "/demo/events"]) {
        assert.strictEqual((yield* Effect.promise(() => fetch(url + path))).status, 404)
      }
    })
  )
})
