/**
 * The flags of `stats`, and the queries that they describe.
 *
 * @module
 */
import { Effect, Option, Result } from "effect"
import { CliError, Flag } from "effect/cli"
import * as DateRange from "../../analytics/reports/DateRange.ts"
import * as FilterText from "../../analytics/reports/FilterText.ts"
import * as LocalTime from "../../analytics/reports/LocalTime.ts"
import { comparisons, limits, type Metric, periods, type Query } from "../../analytics/reports/Query.ts"
import * as QueryBody from "../../analytics/reports/QueryBody.ts"
import type { ValidationError } from "../../platform/contract/Errors.ts"
import { parseUuid, WebsiteConfigId } from "../../platform/Id.ts"
import type { Site } from "../../sites/Site.ts"
import { SiteDirectory } from "../../sites/SiteDirectory.ts"
import * as Inputs from "./Inputs.ts"
import * as Output from "./Output.ts"

const texts = (flag: string, metavar: string, description: string) =>
  Flag.String(flag).pipe(
    Flag.withMetavar(metavar),
    Flag.withDescription(description),
    Flag.atLeast(0),
    Flag.withDefault<ReadonlyArray<string>>([])
  )

const text = (flag: string, metavar: string, description: string) =>
  Flag.String(flag).pipe(Flag.withMetavar(metavar), Flag.withDescription(description), Flag.optional)

export const flags = {
  site: text("site", "<uuid|name>", "The website_config_id or the name of a website"),
  allSites: Inputs.withoutValue("all-sites", "Every website, a row for each"),
  period: Flag.Literals("period", periods).pipe(
    Flag.withDescription("The days up to today: a number of days, or whole months; 30d unless given"),
    Flag.optional
  ),
  days: Inputs.optional(
    Inputs.make("days", Inputs.countKind(limits.days), "<number>", "How many days, today included")
  ),
  from: text("from", "<date>", "The first day, such as 2026-11-01"),
  to: text("to", "<date>", "The last day; today unless given"),
  compare: Flag.Literals("compare", comparisons).pipe(
    Flag.withDescription("Compare with as many days directly before, or a year earlier"),
    Flag.optional
  ),
  by: texts("by", "<dimension>", "Group by a dimension, such as visit:source, event:page or time:week; repeatable"),
  filter: texts(
    "filter",
    "<filter>",
    "Count only what matches, such as 'event:page is /pricing|/tours'; repeatable, and all must match"
  ),
  limit: Inputs.make(
    "limit",
    Inputs.countKind(limits.rows),
    "<number>",
    "The maximum number of rows of each list; 10 unless given"
  ).pipe(Flag.withDefault(10)),
  format: Flag.Literals("format", ["text", "csv"]).pipe(
    Flag.withDescription("Text for people, or CSV; text unless given"),
    Flag.withDefault("text")
  )
}

export interface Flags {
  readonly site: Option.Option<string>
  readonly allSites: boolean
  readonly period: Option.Option<(typeof periods)[number]>
  readonly days: number | null
  readonly from: Option.Option<string>
  readonly to: Option.Option<string>
  readonly compare: Option.Option<(typeof comparisons)[number]>
  readonly by: ReadonlyArray<string>
  readonly filter: ReadonlyArray<string>
  readonly limit: number
}

const invalid = (message: string) => new CliError.ValidationError({ message })

const siteByName = Effect.fnUntraced(function* (name: string) {
  const sites = yield* SiteDirectory.use(({ list }) => list)
  const named = sites.filter((site) => site.name === name)
  const [site] = named
  if (site === undefined) {
    // The text may be a pasted secret, so it is not repeated.
    return yield* new Output.CliFailure({
      message: "No website has this name. `hydracore site list` shows them."
    })
  }
  if (named.length > 1) {
    return yield* new Output.CliFailure({
      message: `${named.length} websites have this name. Give the website_config_id instead; \`hydracore site list\` shows it.`
    })
  }
  return site
})

/** The websites that the flags name. */
export const sites = Effect.fnUntraced(function* ({ allSites, site }: Flags) {
  if (allSites === Option.isSome(site)) return yield* invalid("Give either --site or --all-sites.")
  if (Option.isNone(site)) return yield* SiteDirectory.use(({ list }) => list)
  const id = parseUuid(site.value.trim())
  if (Result.isFailure(id)) return [yield* siteByName(site.value.trim())]
  const found = yield* SiteDirectory.use(({ byWebsiteConfigId }) => byWebsiteConfigId(WebsiteConfigId.make(id.success)))
  return Option.isNone(found) ? yield* Output.notFound("website", id.success) : [found.value]
})

/** What an error of `QueryBody.decode` is about: a flag, or the period. */
const subjectOf = ([first, second]: ValidationError["loc"]): string => {
  switch (first) {
    case "dimensions":
      return "flag --by"
    case "filters":
      return "flag --filter"
    case "pagination":
      return "flag --limit"
    default:
      return second === 0 ? "flag --from" : second === 1 ? "flag --to" : "period"
  }
}

const sentence = ({ loc, msg }: ValidationError): string =>
  msg.startsWith("Input should be ")
    ? `The ${subjectOf(loc)} must be ${msg.slice("Input should be ".length)}.`
    : `The ${subjectOf(loc)} is wrong: ${msg.replace("Value error, ", "")}.`

/** The `date_range` of a query. */
const dateRange = ({ days, from, period, to }: Flags, today: string): unknown => {
  if (days !== null) return [LocalTime.addDays(today, 1 - days), today]
  if (Option.isSome(from)) return [from.value.trim(), Option.getOrElse(to, () => today).trim()]
  return Option.getOrElse(period, () => "30d")
}

export interface Selection {
  readonly metrics: ReadonlyArray<Metric>
  readonly dimensions: ReadonlyArray<string>
  readonly limit: number
}

/** Validates the flags, and returns a function that makes the queries of a website. */
export const queryMaker = Effect.fnUntraced(function* (flags: Flags, site: Site, now: number) {
  const ranges = [
    flags.days !== null,
    Option.isSome(flags.period),
    Option.isSome(flags.from) || Option.isSome(flags.to)
  ]
  if (ranges.filter(Boolean).length > 1)
    return yield* invalid("Give only one of --period, --days, and --from with --to.")
  if (Option.isSome(flags.to) && Option.isNone(flags.from)) return yield* invalid("The flag --to needs --from.")
  const filters: Array<unknown> = []
  for (const filter of flags.filter) {
    const parsed = FilterText.parse(filter)
    if (Option.isNone(parsed)) {
      return yield* Inputs.wrong(
        "filter",
        "a dimension, an operator (is, is_not, contains, contains_not) and values separated by |, such as 'event:page is /pricing|/tours'"
      )
    }
    filters.push(parsed.value)
  }
  const { timeZone } = site
  const range = dateRange(flags, DateRange.today({ now, timeZone }))
  return ({ dimensions, limit, metrics }: Selection): Effect.Effect<Query, CliError.CliError> =>
    Result.match(
      QueryBody.decode({
        site_id: site.websiteConfigId,
        metrics,
        date_range: range,
        dimensions,
        filters,
        include: {
          comparison: Option.getOrNull(flags.compare),
          time_labels: dimensions.some((dimension) => dimension.startsWith("time:"))
        },
        pagination: { limit }
      }),
      {
        onFailure: ([error]) => Effect.fail(invalid(error === undefined ? "" : sentence(error))),
        onSuccess: (request) => Effect.succeed(DateRange.queryOf(request, { now, timeZone }))
      }
    )
})

/** Validates the flags, and makes the same query of each website. Those of a time zone differ in the website only. */
export const queriesOf = Effect.fnUntraced(function* (
  flags: Flags,
  sites: ReadonlyArray<Site>,
  now: number,
  selection: Selection
) {
  const byZone = new Map<string, Query>()
  for (const site of sites) {
    if (byZone.has(site.timeZone)) continue
    byZone.set(site.timeZone, yield* (yield* queryMaker(flags, site, now))(selection))
  }
  return sites.flatMap((site) => {
    const query = byZone.get(site.timeZone)
    return query === undefined ? [] : [{ site, query: { ...query, siteId: site.websiteConfigId } }]
  })
})
