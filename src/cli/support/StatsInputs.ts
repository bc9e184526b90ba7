/**
 * The flags of `stats`, and the queries that they describe.
 *
 * @module
 */
import { Effect, Option, Result } from "effect"
import { CliError, Flag } from "effect/cli"
import * as DateRange from "../../analytics/reports/DateRange.ts"
import * as Filters from "../../analytics/reports/Filters.ts"
import * as LocalTime from "../../analytics/reports/LocalTime.ts"
import {
  comparisons,
  eventDimensions,
  limits,
  type Metric,
  periods,
  propertyPrefix,
  timeDimensions,
  visitDimensions
} from "../../analytics/reports/Query.ts"
import * as QueryBody from "../../analytics/reports/QueryBody.ts"
import type { ValidationError } from "../../platform/contract/Errors.ts"
import * as Websites from "../client/Websites.ts"
import * as ErrorMessages from "./ErrorMessages.ts"
import * as Inputs from "./Inputs.ts"

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
  site: Flag.optional(Inputs.site),
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

/** The website that the flags name; null for all. */
export const siteOf = Effect.fnUntraced(function* ({ allSites, site }: Flags) {
  if (allSites === Option.isSome(site)) return yield* invalid("Give either --site or --all-sites.")
  return Option.isNone(site) ? null : yield* Websites.find(site.value)
})

const filterDimensions: ReadonlyArray<string> = [...eventDimensions, ...visitDimensions]

const dimensions: ReadonlyArray<string> = [...filterDimensions, ...timeDimensions]

/** The name of a dimension without its prefix, such as `source` of `visit:source`. */
const withoutPrefix = (dimension: string): string => dimension.slice(dimension.lastIndexOf(":") + 1)

/** The dimensions that an unknown one may be meant to be: the nearest, or else those with another prefix. */
const similar = (typed: string, known: ReadonlyArray<string>): ReadonlyArray<string> => {
  const near = ErrorMessages.nearest(typed, known)
  if (near.length > 0) return near
  const names = ErrorMessages.nearest(withoutPrefix(typed), known.map(withoutPrefix))
  return known.filter((dimension) => names.includes(withoutPrefix(dimension)))
}

/** Fails for a dimension that is not known, if it is like a known one. Others are faults of the query. */
const refuseMistyped = Effect.fnUntraced(function* (flag: string, typed: string, known: ReadonlyArray<string>) {
  if (known.includes(typed) || typed.startsWith(propertyPrefix)) return
  const suggestion = ErrorMessages.suggestion(similar(typed, known))
  if (suggestion === undefined) return
  return yield* invalid(
    `There is no dimension ${ErrorMessages.quoted(typed, "of this name")} for the flag --${flag}; ${suggestion}`
  )
})

/** What a fault of a query is about: a flag, or the period. */
const subjectOf = (loc: ValidationError["loc"]): string => {
  const [first, second, third] = loc
  switch (first) {
    case "dimensions":
      return "flag --by"
    case "filters":
      return third === 1 && loc.length === 3 ? "dimension of the flag --filter" : "flag --filter"
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

/** The number of days, or the first day, of a range that ends today in the time zone of each website; null for another range. */
export const untilToday = ({ days, from, to }: Flags): number | string | null =>
  days ?? (Option.isSome(to) ? null : Option.getOrNull(Option.map(from, (text) => text.trim())))

export interface Selection {
  readonly metrics: ReadonlyArray<Metric>
  readonly dimensions: ReadonlyArray<string>
  readonly limit: number
}

/** What a query needs to know about a website. */
export interface Site {
  readonly site_id: string
  readonly time_zone: string
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
  for (const by of flags.by) yield* refuseMistyped("by", by, dimensions)
  const filters: Array<unknown> = []
  for (const filter of flags.filter) {
    const parsed = Filters.parse(filter)
    if (Option.isNone(parsed)) {
      return yield* Inputs.wrong(
        "filter",
        "a dimension, an operator (is, is_not, contains, contains_not) and values separated by |, such as 'event:page is /pricing|/tours'"
      )
    }
    const [, dimension] = Array.isArray(parsed.value) ? parsed.value : []
    if (typeof dimension === "string") yield* refuseMistyped("filter", dimension, filterDimensions)
    filters.push(parsed.value)
  }
  const range = dateRange(flags, DateRange.today({ now, timeZone: site.time_zone }))
  return ({ dimensions, limit, metrics }: Selection): Effect.Effect<QueryBody.QueryBody, CliError.CliError> =>
    Result.match(
      QueryBody.read({
        site_id: site.site_id,
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
        onSuccess: Effect.succeed
      }
    )
})
