/**
 * From an ad's link to a lead: a visitor comes by a campaign, sends a form and begins a chat, and the owner reads which campaign
 * brought the leads.
 */
import { assert } from "@effect/vitest"
import { Clock, Effect, Stream } from "effect"
import * as DateRange from "../../src/core/analytics/report/DateRange.ts"
import type { Query } from "../../src/core/analytics/report/Query.ts"
import { Leads } from "../../src/services/analytics/Leads.ts"
import { Reports } from "../../src/services/analytics/Reports.ts"
import { InstanceDirectory } from "../../src/services/chat/InstanceDirectory.ts"
import { SubmissionRepo } from "../../src/services/forms/SubmissionRepo.ts"
import { SiteDirectory } from "../../src/services/sites/SiteDirectory.ts"
import { inChromium } from "../support/browser/Browser.ts"
import * as BrowserSite from "../support/browser/BrowserSite.ts"
import * as ReportQuery from "../support/ReportQuery.ts"
import { paths, onPostgres as testServer } from "../support/TestServer.ts"
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

inChromium("a lead", testServer(), (it) => {
  it.effect("is credited to the campaign of the visit in which it happened", () =>
    Effect.gen(function* () {
      const { edge, errors, open, page, pages, relay, script, site } = yield* BrowserSite.make()
      const website = (yield* SiteDirectory.use(({ list }) => list))[0]!
      const { instanceId } = edge.instance
      yield* InstanceDirectory.use(({ update }) => update(instanceId, { websiteConfigId: website.websiteConfigId }))
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
      }).pipe(Effect.timeout("10 seconds"))
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
      const [submission] = yield* Stream.runCollect(
        (yield* SubmissionRepo).stream({ websiteConfigId: website.websiteConfigId })
      )
      assert.deepStrictEqual(submission?.attribution, {
        source: "ads",
        medium: "cpc",
        campaign: "spring",
        referrer: null,
        entryPage: "/landing"
      })
      // The submission does not contain the session id.
      const sessionId = `${(JSON.parse(relay.of(paths.track)[0]!.body) as Record<string, unknown>)["session_id"]}`
      assert.notInclude(JSON.stringify(submission), sessionId)
      assert.deepStrictEqual(errors, [])
    })
  )
})
