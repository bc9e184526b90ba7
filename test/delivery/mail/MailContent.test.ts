/** The content of reports, on each storage. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Layer } from "effect"
import { AnalyticsRepo } from "../../../src/analytics/AnalyticsRepo.ts"
import type { PageView } from "../../../src/analytics/PageView.ts"
import { Reports } from "../../../src/analytics/reports/Reports.ts"
import { viewWithoutFacts } from "../../../src/analytics/StoredView.ts"
import * as MailContent from "../../../src/delivery/mail/MailContent.ts"
import * as MailTimes from "../../../src/delivery/mail/MailTimes.ts"
import type { Content } from "../../../src/delivery/mail/Message.ts"
import { HostedWebsiteId, NotificationId, WebsiteConfigId } from "../../../src/platform/Id.ts"
import { SiteDirectory } from "../../../src/sites/SiteDirectory.ts"
import { postgres } from "../../support/Storages.ts"

const timeZone = "America/New_York"
const hour = 3_600_000

const view = (
  hostedWebsiteId: HostedWebsiteId,
  receivedAt: number,
  source: string | null,
  visitor: number
): PageView => ({
  ...viewWithoutFacts,
  hostedWebsiteId,
  receivedAt,
  path: "/tours",
  campaign: { ...viewWithoutFacts.campaign, source },
  visitorHash: visitor.toString(16).padStart(32, "0")
})

const partOf = (content: Content, kind: "figures" | "table") =>
  content.parts.flatMap(
    (part): ReadonlyArray<ReadonlyArray<string | null>> =>
      part.kind === "figures" && kind === "figures"
        ? part.figures.map(({ change, name, value }) => [name, value, change])
        : part.kind === "table" && kind === "table"
          ? [part.header, ...part.rows]
          : []
  )

describe("the content of a report", () => {
  it.live("counts the days of the website's time zone, and compares the period with the period before", () =>
    Effect.gen(function* () {
      const views = yield* AnalyticsRepo
      const site = yield* SiteDirectory.use((sites) => sites.create({ name: "Tours", origins: [], timeZone }))
      const range = MailTimes.latest("weekly", { now: yield* Clock.currentTimeMillis, timeZone })
      const first = Date.parse(`${range.first}T12:00:00Z`)
      const day = 24 * hour
      // Noon in UTC is the morning of the same day in New York.
      const inPeriod = [
        view(site.hostedWebsiteId, first, "google", 1),
        view(site.hostedWebsiteId, first + 2 * day, "google", 2),
        view(site.hostedWebsiteId, first + 6 * day, "newsletter", 3)
      ]
      const outside = [
        view(site.hostedWebsiteId, first - day, "google", 4),
        view(site.hostedWebsiteId, first - 7 * day, "other", 5),
        view(site.hostedWebsiteId, first - 8 * day, "google", 6),
        // The evening of Sunday in New York is Monday in UTC, and belongs to the week before.
        view(site.hostedWebsiteId, Date.parse(`${range.first}T02:00:00Z`), "google", 7)
      ]
      yield* Effect.forEach([...inPeriod, ...outside], views.append, { concurrency: "unbounded" })
      const content = yield* MailContent.report(site, "weekly", range)
      assert.deepStrictEqual(partOf(content, "figures"), [
        ["Visitors", "3", "0%"],
        ["Leads", "0", null],
        ["Visits", "3", "0%"],
        ["Page views", "3", "0%"]
      ])
      assert.deepStrictEqual(partOf(content, "table"), [
        ["Source", "Visitors", "Before"],
        ["Google", "2", "2"],
        ["newsletter", "1", "0"],
        ["Page", "Visitors", "Before"],
        ["/tours", "3", "3"]
      ])
      assert.include(content.subject, "Tours, weekly report: 3 visitors, 0 leads")
    }).pipe(Effect.provide(postgres()))
  )
})

it.effect("the mail about a disabled webhook does not name a host that only the operator may know", () =>
  Effect.gen(function* () {
    const textFor = (host: string) =>
      MailContent.of(
        {
          mailId: "4be0643f-1d98-573b-97cd-ca98a65347dd",
          attempt: 1,
          createdAt: 0,
          notification: {
            notification_id: NotificationId.make("0f8fad5b-d9cb-469f-a165-70867728950e"),
            website_config_id: WebsiteConfigId.make("7c9e6679-7425-40de-944b-e07fc1f90ae7"),
            to: "ann@example.com",
            report: null,
            page: null,
            digest: null,
            quarantined: false,
            conversations: "off",
            problems: false,
            created_at: "1970-01-01T00:00:00.000Z",
            confirmed: true
          },
          site: {
            websiteConfigId: WebsiteConfigId.make("7c9e6679-7425-40de-944b-e07fc1f90ae7"),
            hostedWebsiteId: HostedWebsiteId.make("16fd2706-8baf-433b-82eb-8c7fada847da"),
            name: "Shop",
            timeZone
          },
          subject: { kind: "webhook-disabled", webhook: { webhookId: "w", host, isGone: false } }
        },
        "https://edge.example/confirm",
        [{ host: "crm.internal", port: 80 }]
      ).pipe(Effect.map((content) => JSON.stringify(content)))
    for (const host of ["crm.internal", "10.0.0.4", "crm.internal:8080"]) {
      const text = yield* textFor(host)
      assert.notInclude(text, host)
      assert.include(text, "a receiver that the operator set")
    }
    assert.include(yield* textFor("hooks.example.com"), "The webhook to hooks.example.com is disabled")
  }).pipe(Effect.provide(Layer.mock(Reports, {})))
)
