/**
 * The queries and the content of a report: a period's totals, sources, leads and pages compared with the previous period. Pure.
 *
 * @module
 */

import { leads } from "../../analytics/Goal.ts"
import type { Answer } from "../../analytics/reports/Answer.ts"
import { direct } from "../../analytics/reports/Dimensions.ts"
import type { Condition, Dimension, Metric, Query } from "../../analytics/reports/Query.ts"
import type { MailSite } from "./Mail.ts"
import * as MailText from "./MailText.ts"
import * as MailTimes from "./MailTimes.ts"
import type { Content, Figure, Part } from "./Message.ts"
import type { Period } from "./Notification.ts"

/** The maximum number of rows of a table. */
const maxRows = 10

/** The maximum number of rows of an answer. */
const queryLimit = 100

const isLead: Condition = { operator: "is", dimension: "event:goal", values: Object.values(leads) }

const query = (
  { timeZone, websiteConfigId }: MailSite,
  range: MailTimes.Range,
  metrics: ReadonlyArray<Metric>,
  more: { readonly dimensions?: ReadonlyArray<Dimension>; readonly filters?: ReadonlyArray<Condition> } = {}
): Query => {
  const { dimensions = [], filters = [] } = more
  const [first = "visitors"] = metrics
  return {
    siteId: websiteConfigId,
    metrics,
    dimensions,
    filters,
    orderBy: [{ by: first, direction: "desc" }],
    comparison: null,
    includeTotalRows: false,
    includeTimeLabels: false,
    limit: queryLimit,
    offset: 0,
    now: null,
    range,
    timeZone
  }
}

/** What a report queries for one period. */
export const queries = (site: MailSite, range: MailTimes.Range) => ({
  totals: query(site, range, ["visitors", "visits", "pageviews"]),
  leads: query(site, range, ["conversions"], { dimensions: ["event:goal"], filters: [isLead] }),
  sources: query(site, range, ["visitors"], { dimensions: ["visit:source"] }),
  pages: query(site, range, ["visitors"], { dimensions: ["event:page"] })
})

/** The answers for one period. */
export type Answers = { readonly [Name in keyof ReturnType<typeof queries>]: Answer }

const value = (answer: Answer, index: number): number => {
  const found = answer.results[0]?.metrics[index]
  return typeof found === "number" ? found : 0
}

/** The first dimension and the first metric of each row, in the answer's order. */
const groups = ({ results }: Answer): ReadonlyArray<readonly [name: string, value: number]> =>
  results.map(({ dimensions, metrics }) => [dimensions[0] ?? "", typeof metrics[0] === "number" ? metrics[0] : 0])

const change = new Intl.NumberFormat("en-US", { signDisplay: "exceptZero" })

/** Such as `+12%`; null if the earlier number is 0. */
const changeOf = (current: number, previous: number): string | null => {
  if (previous === 0) return null
  const percent = Math.round((100 * (current - previous)) / previous)
  // A fall that is rounded to 0 would be "-0%" without `signDisplay`.
  return `${change.format(percent)}%`.replace("-", "−")
}

const figure = (name: string, current: number, previous: number): Figure => ({
  name,
  value: MailText.number(current),
  change: changeOf(current, previous),
  direction: current > previous && previous > 0 ? "up" : current < previous ? "down" : "same"
})

const sum = (answer: Answer): number => groups(answer).reduce((total, [, count]) => total + count, 0)

/**
 * A table with the numbers of both periods. A dash says that the earlier number is unknown, because that answer was
 * truncated.
 */
const table = (title: string, header: string, current: Answer, previous: Answer): ReadonlyArray<Part> => {
  const rows = groups(current).slice(0, maxRows)
  const previousCounts = new Map(groups(previous))
  const isCut = previous.results.length >= queryLimit
  return rows.length === 0
    ? []
    : [
        {
          kind: "table",
          header: [title, header, "Before"],
          rows: rows.map(([name, count]) => {
            const earlier = previousCounts.get(name)
            return [
              name === direct ? "Direct" : MailText.line(name, 80) || "(none)",
              MailText.number(count),
              earlier === undefined && isCut ? "–" : MailText.number(earlier ?? 0)
            ]
          })
        }
      ]
}

const dayOfMonth = MailText.timesAs({ day: "numeric" })
const month = MailText.timesAs({ month: "long", year: "numeric" })
const day = MailText.timesAs({ day: "numeric", month: "long", year: "numeric" })

/** `16 – 22 November 2026` or `November 2026`. */
const nameOf = (period: Period, { first, last }: MailTimes.Range): string => {
  // A date is the time of its midnight in UTC.
  if (period === "monthly") return month(first, "UTC")
  const isSameMonth = first.slice(0, 7) === last.slice(0, 7)
  return `${(isSameMonth ? dayOfMonth : day)(first, "UTC")} – ${day(last, "UTC")}`
}

export const content = (
  site: MailSite,
  period: Period,
  range: MailTimes.Range,
  current: Answers,
  previous: Answers
): Content => {
  const span = nameOf(period, range)
  const visitors = value(current.totals, 0)
  const sources = table("Source", "Visitors", current.sources, previous.sources)
  const counts = `${MailText.counted(visitors, "visitor")}, ${MailText.counted(sum(current.leads), "lead")}`
  return MailText.contentOf(
    site,
    period === "weekly" ? `Week of ${span}` : span,
    [
      {
        kind: "figures",
        figures: [
          figure("Visitors", visitors, value(previous.totals, 0)),
          figure("Leads", sum(current.leads), sum(previous.leads)),
          figure("Visits", value(current.totals, 1), value(previous.totals, 1)),
          figure("Page views", value(current.totals, 2), value(previous.totals, 2))
        ]
      },
      ...sources,
      ...table("Leads", "Number", current.leads, previous.leads),
      ...table("Page", "Visitors", current.pages, previous.pages),
      ...(sources.length === 0
        ? [
            {
              kind: "paragraph",
              text: `There were no visitors during this ${period === "weekly" ? "week" : "month"}.`
            } as const
          ]
        : []),
      {
        kind: "facts",
        fields: [
          ["Compared with", nameOf(period, MailTimes.before(period, range))],
          ["Time zone", site.timeZone],
          ["Leads", "Submissions and chats that were credited to a visit"]
        ]
      }
    ],
    { subject: `${MailText.websiteName(site.name, 200)}, ${period} report: ${counts} (${span})` }
  )
}
