import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import type { Answer } from "../../../src/analytics/reports/Answer.ts"
import { htmlBody, plainBody } from "../../../src/delivery/mail/Compose.ts"
import * as ReportMail from "../../../src/delivery/mail/ReportMail.ts"
import { HostedWebsiteId, WebsiteConfigId } from "../../../src/platform/Id.ts"

const site = {
  websiteConfigId: WebsiteConfigId.make("5a2f4e4c-30a6-4d0c-9b8a-3f1f8c9a7e21"),
  hostedWebsiteId: HostedWebsiteId.make("7a2f4e4c-30a6-4d0c-9b8a-3f1f8c9a7e22"),
  name: "Harbour Tours",
  timeZone: "Europe/Berlin"
}

const week = { first: "2026-11-16", last: "2026-11-22" }

type Rows = ReadonlyArray<readonly [name: string, ...values: ReadonlyArray<number>]>

/** An answer with these rows. A row with an empty name has no dimensions. */
const answer = (rows: Rows): Answer => ({
  results: rows.map(([name, ...metrics]) => ({ dimensions: name === "" ? [] : [name], metrics })),
  meta: { time_zone: site.timeZone, definitions: [] },
  query: {
    site_id: site.websiteConfigId,
    metrics: [],
    date_range: [week.first, week.last],
    dimensions: [],
    filters: [],
    order_by: [],
    include: { total_rows: false, time_labels: false },
    pagination: { limit: 100, offset: 0 }
  }
})

const answers = (of: { readonly [Name in keyof ReportMail.Answers]: Rows }): ReportMail.Answers => ({
  totals: answer(of.totals),
  leads: answer(of.leads),
  sources: answer(of.sources),
  pages: answer(of.pages)
})

const current = answers({
  totals: [["", 1_204, 1_530, 4_021]],
  leads: [
    ["Form submitted", 18],
    ["Chat started", 5]
  ],
  sources: [
    ["Google", 640],
    ["Direct / None", 310],
    ["newsletter", 122]
  ],
  pages: [
    ["/", 800],
    ["/tours/evening", 411]
  ]
})

const previous = answers({
  totals: [["", 1_075, 1_530, 4_400]],
  leads: [["Form submitted", 0]],
  sources: [["Google", 500]],
  pages: [["/", 700]]
})

const none = answers({ totals: [["", 0, 0, 0]], leads: [], sources: [], pages: [] })

describe("delivery/mail/ReportMail", () => {
  it("a report has the period's numbers and those of the period before", () => {
    const content = ReportMail.content(site, "weekly", week, current, previous)
    assert.strictEqual(
      content.subject,
      "Harbour Tours, weekly report: 1,204 visitors, 23 leads (16 – 22 November 2026)"
    )
    const [figures] = content.parts
    if (figures?.kind !== "figures") return assert.fail("the figures come first")
    assert.deepStrictEqual(
      figures.figures.map(({ change, direction, name, value }) => [name, value, change, direction]),
      [
        ["Visitors", "1,204", "+12%", "up"],
        ["Leads", "23", null, "same"],
        ["Visits", "1,530", "0%", "same"],
        ["Page views", "4,021", "−9%", "down"]
      ]
    )
    const text = plainBody(content, "https://edge.example/stop")
    for (const line of [
      /^Google +640 +500$/m,
      /^Direct +310 +0$/m,
      /^newsletter +122 +0$/m,
      /^Form submitted +18 +0$/m
    ]) {
      assert.match(text, line)
    }
    assert.include(text, "Compared with: 9 – 15 November 2026")
    assert.include(htmlBody(content, "https://edge.example/stop"), "1,204")
  })

  it("a change that is rounded to 0 has no sign", () => {
    const visitors = (count: number) => answers({ totals: [["", count, 0, 0]], leads: [], sources: [], pages: [] })
    for (const [before, now] of [
      [1_000, 999],
      [1_000, 1_001]
    ] as const) {
      const text = plainBody(ReportMail.content(site, "weekly", week, visitors(now), visitors(before)), null)
      assert.match(text, /^Visitors: [0-9,]+ \(0%\)$/m)
    }
  })

  it("a month is compared with the month before, and a month without visitors says so", () => {
    const range = { first: "2026-03-01", last: "2026-03-31" }
    const content = ReportMail.content(site, "monthly", range, none, current)
    assert.strictEqual(content.subject, "Harbour Tours, monthly report: 0 visitors, 0 leads (March 2026)")
    const text = plainBody(content, "https://edge.example/stop")
    assert.include(text, "There were no visitors during this month.")
    assert.include(text, "Compared with: February 2026")
    assert.include(text, "Visitors: 0 (−100%)")
  })

  it("the title of a week across two months or years names both", () => {
    const content = ReportMail.content(site, "weekly", { first: "2026-12-28", last: "2027-01-03" }, none, none)
    assert.strictEqual(content.title, "Week of 28 December 2026 – 3 January 2027")
  })

  it.prop("a visitor's source or path adds no HTML", [Schema.String], ([name]) => {
    const rowsOf = (text: string): Rows => [[text, 3]]
    const html = (of: string) =>
      htmlBody(
        ReportMail.content(
          site,
          "weekly",
          week,
          answers({ totals: [], leads: [], sources: rowsOf(of), pages: rowsOf(of) }),
          none
        ),
        "https://edge.example/stop"
      )
    const tagsOf = (text: string) => text.match(/<[^>]*>/g)
    assert.deepStrictEqual(tagsOf(html(`<img src=x>${name}`)), tagsOf(html("x")))
  })

  it("the queries cover the period's days in the website's zone, and order by what they select", () => {
    for (const query of Object.values(ReportMail.queries(site, week))) {
      assert.deepStrictEqual([query.siteId, query.range, query.timeZone], [site.websiteConfigId, week, "Europe/Berlin"])
      assert.isTrue(query.orderBy.every(({ by }) => [...query.metrics, ...query.dimensions].includes(by as never)))
    }
  })
})
