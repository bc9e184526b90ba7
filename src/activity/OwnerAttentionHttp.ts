/**
 * The endpoints about all websites of a caller.
 *
 * @module
 */
import { Clock, Effect } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import type { Answer } from "../analytics/reports/Answer.ts"
import * as DateRange from "../analytics/reports/DateRange.ts"
import * as LocalTime from "../analytics/reports/LocalTime.ts"
import type { Query } from "../analytics/reports/Query.ts"
import { Reports } from "../analytics/reports/Reports.ts"
import { OwnerApi } from "../api/OwnerApi.ts"
import * as Transcript from "../chat/conversations/Transcript.ts"
import { Transcripts } from "../chat/Transcripts.ts"
import * as Inbox from "../forms/Inbox.ts"
import { toSummary } from "../forms/OwnerSubmissionsHttp.ts"
import { type Found, type Problem, Problems } from "../health/Problem.ts"
import type { WebsiteConfigId } from "../platform/Id.ts"
import type { ReportTimeout, ReportTooLarge, StorageUnavailable } from "../platform/Storage.ts"
import * as Calendar from "../platform/text/Calendar.ts"
import * as Access from "../sites/access/Access.ts"
import { Caller } from "../sites/access/AuthenticationApi.ts"
import * as Errors from "../sites/access/Errors.ts"
import * as Fields from "../sites/access/Fields.ts"
import { SiteSlots } from "../sites/access/SiteSlots.ts"
import { logUnavailable } from "../sites/ErrorMapping.ts"
import type { Site } from "../sites/Site.ts"
import { SiteDirectory } from "../sites/SiteDirectory.ts"
import { Attention, formatPlace, needOf, placeOf } from "./Attention.ts"

const siteJson = ({ name, timeZone, websiteConfigId }: Site) => ({
  site_id: websiteConfigId,
  name,
  time_zone: timeZone
})

/** The visitors of yesterday, compared with the day before. */
const yesterday = ({ timeZone, websiteConfigId }: Site, now: number): Query => {
  const day = LocalTime.addDays(DateRange.today({ now, timeZone }), -1)
  return DateRange.queryOf(
    {
      siteId: websiteConfigId,
      metrics: ["visitors"],
      dimensions: [],
      filters: [],
      dateRange: { first: day, last: day },
      orderBy: [{ by: "visitors", direction: "desc" }],
      comparison: "previous_period",
      includeTotalRows: false,
      includeTimeLabels: false,
      limit: 1,
      offset: 0
    },
    { now, timeZone }
  )
}

const visitorsJson = ({ query, results: [row] }: Answer) => ({
  day: query.date_range[0],
  visitors: Number(row?.metrics[0] ?? 0),
  before: Number(row?.comparison?.metrics[0] ?? 0),
  change: row?.comparison?.change[0] ?? null
})

const problemJson = ({ kind, since }: Problem) => ({ kind, since })

const noProblems: Found = new Map()

/** What the websites with problems need. */
const troubledAt = (found: Found, now: number) =>
  new Map(
    [...found].flatMap(([id, problems]) => {
      const needed = needOf(problems, now)
      return needed === null ? [] : [[id, needed] as const]
    })
  )

const noStatistics = {
  answers: [] as ReadonlyArray<Answer>,
  seen: new Map<string, number>() as ReadonlyMap<string, number>
}

export const layer = HttpApiBuilder.group(
  OwnerApi,
  "attention",
  Effect.fnUntraced(function* (handlers) {
    const attention = yield* Attention
    const inbox = yield* Inbox.Inbox
    const directory = yield* SiteDirectory
    const problems = yield* Problems
    const reports = yield* Reports
    const slots = yield* SiteSlots
    const transcripts = yield* Transcripts

    /** The effect's value, or another one if the statistics cannot be read: the list is of use without them, too. */
    const orWithout =
      <A>(other: A) =>
      <R>(read: Effect.Effect<A, StorageUnavailable | ReportTimeout | ReportTooLarge, R>) =>
        Effect.catchTags(read, {
          StorageUnavailable: (error) => Effect.as(logUnavailable(error), other),
          ReportTimeout: () => Effect.succeed(other),
          ReportTooLarge: () => Effect.succeed(other)
        })

    const statisticsOf = (sites: ReadonlyArray<Site>, now: number) =>
      Effect.all({
        answers: reports.queryAll(sites.map((site) => ({ site, query: yesterday(site, now) }))),
        seen: reports.lastReceived(sites)
      }).pipe(orWithout(noStatistics))

    /** The websites whose inboxes the caller may read, or the one of these that it names. */
    const inboxesOf = Effect.fnUntraced(function* (siteId: WebsiteConfigId | undefined) {
      const caller = yield* Caller
      const sites = Access.sitesWith(caller.access, "inbox", "read")
      if (siteId === undefined) return sites
      const isReached = sites === "all" || sites.includes(siteId)
      const found = isReached ? yield* directory.search({ sites: [siteId], search: null, after: null, limit: 1 }) : []
      return found.length > 0 ? [siteId] : yield* Effect.fail(Errors.unknownSite)
    })

    /** The websites with these ids. */
    const sitesOf = (ids: ReadonlyArray<WebsiteConfigId>) =>
      Effect.map(
        directory.search({ sites: [...new Set(ids)], search: null, after: null, limit: ids.length }),
        (sites) => new Map(sites.map((site) => [site.websiteConfigId, siteJson(site)]))
      )

    return handlers
      .handle(
        "list",
        Effect.fnUntraced(function* ({ query: { cursor = null, limit = Fields.defaultLimit, search = null } }) {
          const caller = yield* Caller
          const now = yield* Clock.currentTimeMillis
          const inboxes = Access.sitesWith(caller.access, "inbox", "read")
          const reached = Access.sitesWith(caller.access, "stats", "read")
          const found = yield* slots.reports.run(caller.id, problems.among(reached).pipe(orWithout<Found | null>(null)))
          const listed = yield* slots.lists.run(
            caller.id,
            attention.list({
              sites: reached,
              inboxes,
              troubled: troubledAt(found ?? noProblems, now),
              search,
              after: cursor,
              limit: limit + 1
            })
          )
          const items = listed.slice(0, limit)
          const last = items.at(-1)
          const sites = items.map(({ site }) => site)
          const { answers, seen } = yield* slots.reports.run(caller.id, statisticsOf(sites, now))
          return {
            sites: items.map(({ needed, site, unread, waiting }, index) => {
              const answer = answers[index]
              const isRead = inboxes === "all" || inboxes.includes(site.websiteConfigId)
              return {
                ...siteJson(site),
                needs_attention: needed.need !== "nothing",
                visitors: answer === undefined ? null : visitorsJson(answer),
                unread: isRead ? unread : null,
                waiting: isRead ? waiting : null,
                problems: found === null ? null : (found.get(site.websiteConfigId) ?? []).map(problemJson),
                last_seen_at: Calendar.isoOrNull(seen.get(site.hostedWebsiteId) ?? null)
              }
            }),
            next: listed.length > limit && last !== undefined ? formatPlace(placeOf(last)) : null
          }
        })
      )
      .handle(
        "counts",
        Effect.fnUntraced(function* ({ query }) {
          const caller = yield* Caller
          return yield* slots.lists.run(caller.id, attention.counts(yield* inboxesOf(query.site_id)))
        })
      )
      .handle(
        "submissions",
        Effect.fnUntraced(function* ({ query: { cursor = null, limit = Fields.defaultLimit, ...query } }) {
          const caller = yield* Caller
          const sites = yield* inboxesOf(query.site_id)
          const filter = Inbox.toFilter(query, "UTC")
          const { items, next } = yield* slots.lists.run(caller.id, inbox.list({ sites, filter, after: cursor, limit }))
          const known = yield* sitesOf(items.map(({ websiteConfigId }) => websiteConfigId))
          return {
            submissions: items.flatMap((summary) => {
              // Deleted since the list was read.
              const site = known.get(summary.websiteConfigId)
              return site === undefined ? [] : [{ ...toSummary(summary), site }]
            }),
            next: Fields.formatNext(next)
          }
        })
      )
      .handle(
        "conversations",
        Effect.fnUntraced(function* ({ query: { cursor = null, limit = Fields.defaultLimit, ...query } }) {
          const caller = yield* Caller
          const sites = yield* inboxesOf(query.site_id)
          const filter = Transcript.toListFilter(query, "UTC")
          const { items, next } = yield* slots.lists.run(
            caller.id,
            transcripts.listAll({ sites, filter, after: cursor, limit })
          )
          const known = yield* sitesOf(items.map(({ websiteConfigId }) => websiteConfigId))
          return {
            conversations: items.flatMap(({ instanceId, instanceName, websiteConfigId, ...summary }) => {
              const site = known.get(websiteConfigId)
              const instance = { instance_id: instanceId, name: instanceName }
              return site === undefined ? [] : [{ ...summary, instance, site }]
            }),
            next: Fields.formatNext(next)
          }
        })
      )
  })
)
