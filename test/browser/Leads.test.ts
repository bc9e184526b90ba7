/**
 * From an ad's link to a lead: a visitor comes by a campaign, sends a form and begins a chat, and the owner reads which campaign
 * brought the leads.
 */
import { assert } from "@effect/vitest"
import { Clock, Effect } from "effect"
import type { Page } from "playwright-core"
import { Leads } from "../../src/analytics/Lead.ts"
import * as DateRange from "../../src/analytics/reports/DateRange.ts"
import type { Query } from "../../src/analytics/reports/Query.ts"
import { Reports } from "../../src/analytics/reports/Reports.ts"
import { InstanceDirectory } from "../../src/chat/InstanceDirectory.ts"
import { SiteDirectory } from "../../src/sites/SiteDirectory.ts"
import { inChromium } from "../support/browser/Browser.ts"
import * as BrowserSite from "../support/browser/BrowserSite.ts"
import * as ReportQuery from "../support/ReportQuery.ts"
import { paths, onPostgres as testServer } from "../support/TestServer.ts"
import { submissionsOf } from "../support/TestSubmissions.ts"
import { until } from "../support/Wait.ts"

const byCampaign = (siteId: string, now: number): Query => {
  const today = DateRange.today({ now, timeZone: "UTC" })
  return {
    ...ReportQuery.plain,
    siteId,
    metrics: ["conversions", "visitors"],
    dimensions: ["visit:utm_campaign", "event:goal"],
    orderBy: [{ by: "event:goal", direction: "asc" }],
    limit: 10,
    // A visit at midnight may have begun yesterday.
    range: { first: new Date(Date.parse(today) - 86_400_000).toISOString().slice(0, 10), last: today },
    timeZone: "UTC"
  }
}

/** Sends the form of a page and begins a chat on it. The tabs of a website share a conversation, which others end. */
const contact = Effect.fnUntraced(function* (tab: Page, name: string, isFirst: boolean) {
  yield* Effect.promise(() => tab.fill("[name=name]", name))
  yield* Effect.promise(() => tab.getByRole("button", { name: "Send", exact: true }).click())
  yield* Effect.promise(() => tab.getByText("Thank you").waitFor())
  yield* Effect.promise(() => tab.getByRole("button", { name: /^Open chat/ }).click())
  if (!isFirst) yield* Effect.promise(() => tab.getByRole("button", { name: "New conversation" }).click())
  yield* Effect.promise(() => tab.getByRole("textbox", { name: "Your message" }).fill(`Hello from ${name}`))
  yield* Effect.promise(() => tab.keyboard.press("Enter"))
  yield* Effect.promise(() => tab.getByText("Hello there").first().waitFor())
})

/** A website whose pages have a form and a chat with some attributes. */
const makeSite = Effect.gen(function* () {
  const parts = yield* BrowserSite.make()
  const { edge, relay, script } = parts
  const website = (yield* SiteDirectory.use(({ list }) => list))[0]!
  const { instance_id: instanceId } = edge.instance
  yield* InstanceDirectory.use(({ update }) => update(instanceId, { website_config_id: website.websiteConfigId }))
  const content = (attributes = "") => `${script()}<a href="/second" target="_blank">Second</a>
    <form data-hydracore-form data-site="${website.websiteConfigId}" data-page="contact" ${attributes}>
      <input name="name"><button>Send</button>
    </form>
    <script type="module" src="${relay.url}/v1/public/chat.js"></script>
    <hydracore-chat instance="${instanceId}" token="${edge.widgetToken}" ${attributes}></hydracore-chat>`
  return { ...parts, website, content }
})

inChromium("a lead", testServer(), (it) => {
  it.effect("is credited to the campaign of the visit in which it happened", () =>
    Effect.gen(function* () {
      const { edge, errors, open, page, pages, relay, script, site } = yield* BrowserSite.make()
      const website = (yield* SiteDirectory.use(({ list }) => list))[0]!
      const { instance_id: instanceId } = edge.instance
      yield* InstanceDirectory.use(({ update }) => update(instanceId, { website_config_id: website.websiteConfigId }))
      const chat = `<script type="module" src="${relay.url}/v1/public/chat.js"></script>
        <hydracore-chat instance="${instanceId}" token="${edge.widgetToken}"></hydracore-chat>`
      pages["/landing"] = `${script()}<a href="/contact">Contact</a>`
      pages["/contact"] = `${script()}
        <form data-hydracore-form data-site="${website.websiteConfigId}" data-page="contact">
          <input name="name"><button>Send</button>
        </form>${chat}`
      yield* open(`${site.url}/landing?utm_source=ads&utm_medium=cpc&utm_campaign=spring`)
      yield* until("the first view", () => relay.of(paths.track).length === 1)
      yield* Effect.promise(() => page.click("a"))
      yield* until("the second view", () => relay.of(paths.track).length === 2)
      yield* Effect.promise(() => page.fill("[name=name]", "Ada"))
      yield* Effect.promise(() => page.getByRole("button", { name: "Send", exact: true }).click())
      yield* Effect.promise(() => page.getByText("Thank you").waitFor())
      yield* Effect.promise(() => page.getByRole("button", { name: "Open chat" }).click())
      yield* Effect.promise(() => page.getByRole("textbox", { name: "Your message" }).fill("Hello?"))
      yield* Effect.promise(() => page.keyboard.press("Enter"))
      yield* until("the chat", () => relay.of(paths.chat(instanceId)).length === 1)

      const leads = yield* Leads
      let matched = 0
      yield* Effect.gen(function* () {
        while (matched < 2) {
          matched += (yield* leads.match).matched
          yield* Effect.sleep("10 millis")
        }
      }).pipe(Effect.timeout("60 seconds"))
      const query = byCampaign(website.websiteConfigId, yield* Clock.currentTimeMillis)
      const answer = yield* Reports.use((reports) => reports.query(website, query))
      assert.deepStrictEqual(
        answer.results.map(({ dimensions, metrics }) => [dimensions, metrics]),
        [
          [
            ["spring", "Chat started"],
            [1, 1]
          ],
          [
            ["spring", "Form submitted"],
            [1, 1]
          ]
        ]
      )
      const [submission] = yield* submissionsOf(website.websiteConfigId)
      assert.deepStrictEqual(submission?.attribution, {
        source: "ads",
        medium: "cpc",
        campaign: "spring",
        referrer: null,
        entryPage: "/landing"
      })
      assert.deepStrictEqual(errors, [])
    })
  )
})

// On a server of its own: one visitor's visits of several tests would be one.
inChromium("a lead of several tabs", testServer(), (it) => {
  it.effect("from each tab is credited to the visitor's visit, and after a campaign's link to the campaign", () =>
    Effect.gen(function* () {
      const { content, context, errors, open, page, pages, site, viewed, website } = yield* makeSite
      for (const path of ["/first", "/second", "/third"]) pages[path] = content()
      yield* open(`${site.url}/first`)
      yield* until("the first view", () => viewed().length === 1)
      const second = yield* Effect.promise(async () => {
        const opened = context.waitForEvent("page")
        await page.getByText("Second").click()
        return opened
      })
      yield* until("the second view", () => viewed().length === 2)
      yield* contact(page, "the first tab", true)
      yield* contact(second, "the second tab", false)
      const third = yield* Effect.promise(() => context.newPage())
      yield* Effect.promise(() => third.goto(`${site.url}/third?utm_source=ads&utm_campaign=spring`))
      yield* until("the third view", () => viewed().length === 3)
      yield* contact(third, "the third tab", false)
      const leads = yield* Leads
      let matched = 0
      yield* Effect.gen(function* () {
        while (matched < 6) {
          matched += (yield* leads.match).matched
          yield* Effect.sleep("10 millis")
        }
      }).pipe(Effect.timeout("60 seconds"))
      const query: Query = {
        ...byCampaign(website.websiteConfigId, yield* Clock.currentTimeMillis),
        metrics: ["conversions", "visits", "visitors"],
        dimensions: ["visit:utm_campaign"],
        orderBy: [{ by: "visit:utm_campaign", direction: "asc" }]
      }
      const { results } = yield* Reports.use((reports) => reports.query(website, query))
      assert.deepStrictEqual(
        results.map(({ dimensions, metrics }) => [...dimensions, ...metrics]),
        [
          ["(not set)", 4, 1, 1],
          ["spring", 2, 1, 1]
        ]
      )
      const { websiteConfigId } = website
      const submissions = yield* submissionsOf(websiteConfigId)
      assert.deepStrictEqual(
        submissions.map(({ attribution, formData }) => [
          JSON.parse(formData),
          attribution.campaign,
          attribution.entryPage
        ]),
        [
          [{ name: "the first tab" }, null, "/first"],
          [{ name: "the second tab" }, null, "/first"],
          [{ name: "the third tab" }, "spring", "/third"]
        ]
      )
      assert.deepStrictEqual(errors, [])
    })
  )
})

inChromium("a lead that is off", testServer(), (it) => {
  it.effect('is credited to no visit if the form and the chat have data-leads="off"', () =>
    Effect.gen(function* () {
      const { content, errors, open, page, pages, site, viewed } = yield* makeSite
      pages["/off"] = content('data-leads="off"')
      yield* open(`${site.url}/off`)
      yield* until("the view", () => viewed().length === 1)
      yield* contact(page, "Ada", true)
      assert.deepStrictEqual(yield* Leads.use(({ match }) => match), { matched: 0, dropped: 0 })
      assert.deepStrictEqual(errors, [])
    })
  )
})
