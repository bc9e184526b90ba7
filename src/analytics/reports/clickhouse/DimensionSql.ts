/**
 * SQL for the values of dimensions and for filters, by the rules of `analytics/reports/Fact` and `Filters`. Pure: returns
 * SQL text.
 *
 * @module
 */
import { quoted } from "../../../platform/clickhouse/ClickHouse.ts"
import { isStorable } from "../../../platform/text/Text.ts"
import { pageviewName } from "../../EventLimits.ts"
import * as Dimensions from "../Dimensions.ts"
import { notSet } from "../Dimensions.ts"
import * as Filters from "../Filters.ts"
import type * as LocalTime from "../LocalTime.ts"
import {
  type Condition,
  type Filter,
  type FilterDimension,
  propertyPrefix,
  type TimeDimension,
  type VisitDimension
} from "../Query.ts"
import * as Sources from "../Sources.ts"
import type { GoalRow } from "../Visits.ts"
import type { Parameters } from "./Parameters.ts"

const orElse = (value: string, absent: string): string => `if(${value} = '', '${absent}', ${value})`

const omitted = (text: string): string => `replaceRegexpOne(${text}, ${quoted(Sources.omitted)}, '')`

/** The name of a source, by the rules of `analytics/reports/Sources`. ClickHouse's `lower` changes only A to Z. */
const nameOf = (text: string): string => {
  const low = omitted(`lower(${text})`)
  const groups = Sources.patterns.map((pattern) => `extract(${low}, ${quoted(pattern)})`)
  const key = `multiIf(${groups.map((group) => `${group} != '', ${group}`).join(", ")}, ${low})`
  const texts = (values: Iterable<string>) => `[${Array.from(values, quoted).join(", ")}]`
  return `transform(${key}, ${texts(Sources.names.keys())}, ${texts(Sources.names.values())}, ${omitted(text)})`
}

/** What is computed from the columns of a visit. */
const computed: Partial<Record<Dimensions.Column, string>> = {
  source_name: `multiIf(utm_source != '', ${nameOf("utm_source")}, referrer_host != '', ${nameOf("referrer_host")}, '')`,
  referrer: `if(referrer_host = '', '', concat(referrer_host, if(referrer_path = '/', '', referrer_path)))`
}

/** The value of a visit's dimension, from the visit's columns. */
export const visitValue = (dimension: VisitDimension): string => {
  const { absent, column } = Dimensions.ofVisits[dimension]
  return orElse(computed[column] ?? column, absent)
}

const local = "addMilliseconds(started_at, local_offset)"

/** The local day on which a visit begins. */
export const localDay = `toDate(${local})`

/** The value of the time dimension for the start of a visit. */
export const timeValue = (dimension: TimeDimension): string => {
  switch (dimension) {
    case "time:hour":
      return `formatDateTime(${local}, '%Y-%m-%d %H:00:00')`
    case "time:day":
      return `toString(${localDay})`
    case "time:week":
      return `toString(toMonday(${localDay}))`
    case "time:month":
      return `toString(toStartOfMonth(${localDay}))`
  }
}

/** A zone's offset at a time, in milliseconds. Uses `offsets`, because ClickHouse's rules for zones may differ. */
export const localOffset = (
  parameters: Parameters,
  offsets: ReadonlyArray<LocalTime.Offset>,
  time = "started_at"
): string => {
  const [first, ...others] = offsets.toReversed()
  if (first === undefined) return "0"
  if (others.length === 0) return String(first.offset)
  const cases = [first, ...others.slice(0, -1)].map(
    ({ offset, start }) => `${time} >= ${parameters.time(start)}, ${offset}`
  )
  return `multiIf(${cases.join(", ")}, ${others.at(-1)?.offset ?? 0})`
}

/** Expressions of a fact's parts. `page` is the text for `event:page`, empty if absent. */
export interface Fact {
  readonly kind: string
  readonly page: string
  readonly name: string
  readonly properties: string
  /** An array of the names of the goals that the fact reached. */
  readonly goals: string
}

/** The value of a dimension of a fact; an array for `event:goal`. */
export const factValue = (parameters: Parameters, dimension: FilterDimension, fact: Fact): string => {
  switch (dimension) {
    case "event:page":
      return orElse(fact.page, notSet)
    case "event:name":
      return `multiIf(${fact.kind} = 0, '${pageviewName}', ${fact.kind} = 2 OR ${fact.name} = '', '${notSet}', ${fact.name})`
    case "event:goal":
      return fact.goals
    default: {
      const property = dimension.slice(propertyPrefix.length)
      return isStorable(property) ? orElse(`${fact.properties}[${parameters.text(property)}]`, notSet) : `'${notSet}'`
    }
  }
}

/** Whether a condition holds for one text. */
export const accepts = (parameters: Parameters, condition: Condition, text: string): string =>
  Filters.conditionSql(condition, (isEqual, values) => {
    const given = parameters.texts(values)
    return isEqual ? `has(${given}, ${text})` : `arrayExists(part -> position(${text}, part) > 0, ${given})`
  })

/** Whether a condition holds for an array of texts. */
const acceptsAny = (parameters: Parameters, condition: Condition, texts: string): string =>
  Filters.conditionSql(condition, (isEqual, values) => {
    const given = parameters.texts(values)
    return isEqual
      ? `hasAny(${texts}, ${given})`
      : `arrayExists(text -> arrayExists(part -> position(text, part) > 0, ${given}), ${texts})`
  })

/** Whether a filter holds. `read` returns the SQL of a dimension's value; for `event:goal`, of an array. */
export const matches = (parameters: Parameters, filter: Filter, read: (dimension: FilterDimension) => string): string =>
  Filters.matchesSql(filter, (condition) =>
    (condition.dimension === "event:goal" ? acceptsAny : accepts)(parameters, condition, read(condition.dimension))
  )

/** An array of the names of the goals that a fact reaches. */
export const goalNames = (
  parameters: Parameters,
  goals: ReadonlyArray<GoalRow>,
  { kind, name, page }: Pick<Fact, "kind" | "name" | "page">
): string => {
  const reached = goals.map((goal) => {
    const reaches =
      goal.kind === "page"
        ? `${kind} = 0 AND ${page} LIKE ${parameters.text(Filters.like(goal.value))}`
        : `${kind} = 1 AND ${name} = ${parameters.text(goal.value)}`
    return `if(${reaches}, [${parameters.text(goal.name)}], emptyArrayString())`
  })
  return `arrayDistinct(arrayConcat(if(${kind} = 2, [toString(${name})], emptyArrayString())${reached.map((names) => `, ${names}`).join("")}))`
}
