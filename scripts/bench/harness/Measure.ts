/**
 * The results of the bench, and the goals that they are compared with. Pure.
 *
 * @module
 */
import * as Statistics from "./Statistics.ts"
import type { Cost } from "./Wrk.ts"

export type Unit =
  | "requests/s"
  | "rows/s"
  | "tokens/s"
  | "bytes"
  | "µs"
  | "ms"
  | "MB"
  | "kB"
  | "s"
  | "streams"
  | "descriptors"
  | "websites/s"

/** One quantity, measured for one or more contenders. */
export interface Measure {
  /** The name by which the goals find it, such as `views`. */
  readonly id: string
  readonly title: string
  readonly unit: Unit
  readonly rows: ReadonlyArray<Row>
  /** The title of the column with the store's processor time; `PostgreSQL` by default. */
  readonly store?: string
}

export interface Row {
  readonly contender: string
  /** One for each round, in order. */
  readonly samples: ReadonlyArray<number>
  /** Whether the measured work was ended early, so that the samples are lower bounds. */
  readonly isLowerBound?: boolean
  /** For a rate: the processor time of one request, row or token in microseconds, one sample for each round. */
  readonly processorTime?: { readonly own: ReadonlyArray<number>; readonly store: ReadonlyArray<number> }
}

/** The rates and processor times of a contender's rounds. A request counts as `units` units, for example the tokens of a chat. */
export const rateRow = (contender: string, rounds: ReadonlyArray<Cost>, units = 1): Row => ({
  contender,
  samples: rounds.map(({ perSecond }) => perSecond * units),
  processorTime: {
    own: rounds.map(({ own }) => own / units),
    store: rounds.map(({ postgres }) => postgres / units)
  }
})

/** The names of the rows that the goals compare. */
export const names = {
  edge: "edge",
  memory: "edge, with memory",
  bare: "node:http, nothing stored",
  fastify: "Fastify + pg",
  fastapi: "FastAPI + asyncpg",
  agent: "the agent itself",
  webhook: "with a webhook",
  noWebhook: "without a webhook",
  noRollups: "without rollups",
  rollups: "with rollups",
  dashboard: "with rollups and a dashboard",
  consoleWhole: "all numbers and lists",
  filterFrame: "a click on a row: next frame",
  daysFrame: "twelve months: next frame"
}

export interface Goal {
  readonly text: string
  readonly goal: string
  readonly measured: string
  /** Unclear if only a lower bound was measured, and it is below the goal. */
  readonly met: boolean | "unclear"
}

/** Formats a number with three significant digits, and commas between thousands. */
export const format = (value: number): string => {
  if (!Number.isFinite(value)) return "-"
  const size = Math.abs(value)
  if (size >= 1000) return Math.round(Number(value.toPrecision(3))).toLocaleString("en-US")
  return String(Number(value.toPrecision(3)))
}

type Measures = ReadonlyArray<Measure>

const rowOf = (measures: Measures, id: string, contender: string): Row | undefined =>
  measures
    .find((measure) => measure.id === id)
    ?.rows.find((row) => row.contender === contender && row.samples.length > 0)

/** The ratio of one row's samples to another's must be at least `least`. No goal if one of the rows was not measured. */
const ratioAtLeast = (
  measures: Measures,
  text: string,
  least: number,
  [id, contender]: readonly [string, string],
  [otherId, other]: readonly [string, string]
): ReadonlyArray<Goal> => {
  const own = rowOf(measures, id, contender)
  const theirs = rowOf(measures, otherId, other)
  if (own === undefined || theirs === undefined) return []
  const measured = Statistics.ratio(own.samples, theirs.samples)
  const isBound = own.isLowerBound === true
  return [
    {
      text,
      goal: `at least ${least}`,
      measured: isBound ? `at least ${format(measured)}` : measured.toFixed(2),
      met: measured >= least || (isBound && "unclear")
    }
  ]
}

/** The median of `samples` less `subtract` must be below `most`. */
const below = (
  text: string,
  most: number,
  unit: Unit,
  samples: ReadonlyArray<number> | undefined,
  subtract: number | undefined = 0
): ReadonlyArray<Goal> => {
  if (samples === undefined || subtract === undefined) return []
  const measured = Statistics.median(samples) - subtract
  return [
    { text, goal: `under ${format(most)} ${unit}`, measured: `${format(measured)} ${unit}`, met: measured < most }
  ]
}

/** The median of `samples` must be at least `least`. */
const above = (
  text: string,
  least: number,
  unit: Unit,
  samples: ReadonlyArray<number> | undefined
): ReadonlyArray<Goal> => {
  if (samples === undefined) return []
  const measured = Statistics.median(samples)
  return [
    { text, goal: `at least ${format(least)} ${unit}`, measured: `${format(measured)} ${unit}`, met: measured >= least }
  ]
}

/** The median of the service must be lower than that of another contender. */
const lower = (measures: Measures, text: string, id: string, other: string): ReadonlyArray<Goal> => {
  const own = rowOf(measures, id, names.edge)
  const theirs = rowOf(measures, id, other)
  if (own === undefined || theirs === undefined) return []
  const [measured, limit] = [Statistics.median(own.samples), Statistics.median(theirs.samples)]
  return [{ text, goal: `lower than ${format(limit)} ms`, measured: `${format(measured)} ms`, met: measured < limit }]
}

/** The processor time of the service and its store together, round by round. */
const together = (row: Row | undefined): ReadonlyArray<number> | undefined =>
  row?.processorTime?.own.map((own, round) => own + (row.processorTime?.store[round] ?? Number.NaN))

const slowest = (samples: ReadonlyArray<number> | undefined): ReadonlyArray<number> | undefined =>
  samples === undefined ? undefined : [Math.max(...samples)]

/**
 * The processor time of a request of `other`, divided by that of a request of `contender`, must be at least `least`: the median
 * of the rounds, with its 95 % range.
 */
const costRatioAtLeast = (
  measures: Measures,
  text: string,
  least: number,
  id: string,
  contender: string,
  other: string
): ReadonlyArray<Goal> => {
  const own = together(rowOf(measures, id, contender))
  const theirs = together(rowOf(measures, id, other))
  if (own === undefined || theirs === undefined) return []
  const measured = Statistics.ratio(theirs, own)
  const { high, low } = Statistics.ratioInterval(theirs, own, 0.95)
  return [
    {
      text,
      goal: `at least ${least}`,
      measured: `${measured.toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)})`,
      met: measured >= least
    }
  ]
}

/** The processor time of a request in one row must be at most `most` times that in another. */
const atMostTimes = (
  measures: Measures,
  text: string,
  most: number,
  [id, contender]: readonly [string, string],
  [otherId, other]: readonly [string, string]
): ReadonlyArray<Goal> => {
  const own = together(rowOf(measures, id, contender))
  const theirs = together(rowOf(measures, otherId, other))
  if (own === undefined || theirs === undefined) return []
  const measured = Statistics.ratio(own, theirs)
  return [{ text, goal: `at most ${most}`, measured: measured.toFixed(2), met: measured <= most }]
}

/** The goals for which there are measurements. */
export const goals = (measures: Measures): ReadonlyArray<Goal> => {
  const { edge, fastapi, fastify, memory } = names
  const samples = (id: string) => rowOf(measures, id, edge)?.samples
  const medianOf = (id: string, contender: string) => {
    const row = rowOf(measures, id, contender)
    return row === undefined ? undefined : Statistics.median(row.samples)
  }
  const agentMedian = (id: string) => medianOf(id, names.agent)
  const worst = (id: string) => {
    const rows = measures.find((measure) => measure.id === id)?.rows
    return rows === undefined ? undefined : [Math.max(...rows.map((row) => Statistics.median(row.samples)))]
  }
  const [memoryOfStreams] = samples("streams-memory") ?? []
  const [held] = rowOf(measures, "streams", "held")?.samples ?? []
  const kilobytesOfStream =
    memoryOfStreams === undefined || held === undefined ? undefined : [(memoryOfStreams * 1000) / held]
  return [
    ...costRatioAtLeast(
      measures,
      "page views against FastAPI + asyncpg, by processor time (accepted; the goal is 10)",
      7,
      "views",
      edge,
      fastapi
    ),
    ...costRatioAtLeast(
      measures,
      "page views against Fastify + pg, by processor time (accepted; the goal is 5)",
      3.5,
      "views",
      edge,
      fastify
    ),
    ...lower(measures, "median latency at half of the edge's top rate, against Fastify's", "median-own", fastify),
    ...lower(measures, "p99 latency at half of the edge's top rate, against Fastify's", "p99-own", fastify),
    ...lower(measures, "median latency at half of Fastify's top rate, against Fastify's", "median-peer", fastify),
    ...lower(measures, "p99 latency at half of Fastify's top rate, against Fastify's", "p99-peer", fastify),
    ...ratioAtLeast(measures, "submissions against FastAPI + asyncpg", 6, ["forms", edge], ["forms", fastapi]),
    ...ratioAtLeast(measures, "submissions against Fastify + pg", 4, ["forms", edge], ["forms", fastify]),
    ...costRatioAtLeast(
      measures,
      "submissions with a webhook against without, by processor time, with DELIVERY=off",
      0.95,
      "webhook-accepting",
      names.webhook,
      names.noWebhook
    ),
    ...ratioAtLeast(measures, "a 422 against a 204", 0.7, ["invalid", edge], ["views", edge]),
    ...ratioAtLeast(measures, "chat: tokens per second against nginx", 0.5, ["tokens", edge], ["tokens", "nginx"]),
    ...below("chat: added to the first token", 2, "ms", samples("first-token"), agentMedian("first-token")),
    ...below("chat: added to each token", 1, "ms", samples("token"), agentMedian("token")),
    ...ratioAtLeast(
      measures,
      "chat with memory: tokens per second against without",
      0.9,
      ["tokens", memory],
      ["tokens", edge]
    ),
    ...below(
      "chat with memory: added to the first token",
      2,
      "ms",
      rowOf(measures, "first-token", memory)?.samples,
      medianOf("first-token", edge)
    ),
    ...ratioAtLeast(measures, "open chat streams, of 10,000", 1, ["streams", "held"], ["streams", "wanted"]),
    ...below("memory of an open stream, with the process itself", 80, "kB", kilobytesOfStream),
    ...below(
      "processor time of a token in a chat of 200",
      14,
      "µs",
      rowOf(measures, "tokens", edge)?.processorTime?.own
    ),
    ...below("descriptors that stay open after the streams ended", 1, "descriptors", samples("streams-lost")),
    ...below("memory at the top rate of page views", 300, "MB", samples("memory")),
    ...below("from the start of `serve` to the first response", 1, "s", samples("start")),
    ...ratioAtLeast(
      measures,
      "page views with many stored against an empty table",
      0.95,
      ["stored", "full"],
      ["stored", "empty"]
    ),
    ...below("dashboard of nine queries over twelve months", 300, "ms", samples("dashboard")),
    ...ratioAtLeast(
      measures,
      "time of the dashboard from page views alone, against with rollups",
      50,
      ["dashboard", "from page views alone"],
      ["dashboard", edge]
    ),
    ...below("filtered query over 30 days of the large website", 2_000, "ms", samples("filtered")),
    ...below("slowest of all these queries on a small website", 50, "ms", slowest(samples("small"))),
    ...below("nine queries of a dashboard, at the worst hour of a day", 300, "ms", worst("day-dashboard")),
    ...below("filtered query over 30 days, at the worst hour", 2_000, "ms", worst("day-filtered")),
    ...below("queries on a small website, at the worst hour", 50, "ms", worst("day-small")),
    ...below("nine queries of a dashboard after a burst", 2_000, "ms", worst("day-burst")),
    ...below(
      "dashboard of nine queries, processor time of service and PostgreSQL",
      300,
      "ms",
      together(rowOf(measures, "dashboard", edge))?.map((micros) => micros / 1000)
    ),
    ...below(
      "first view of the console's overview, all numbers and lists",
      1_000,
      "ms",
      rowOf(measures, "console-view", names.consoleWhole)?.samples
    ),
    ...below(
      "from a click on a row to the next frame",
      100,
      "ms",
      rowOf(measures, "console-use", names.filterFrame)?.samples
    ),
    ...below(
      "from a change of the days to the next frame",
      100,
      "ms",
      rowOf(measures, "console-use", names.daysFrame)?.samples
    ),
    ...costRatioAtLeast(
      measures,
      "page views with rollups against without, by processor time",
      0.97,
      "reported",
      names.rollups,
      names.noRollups
    ),
    ...costRatioAtLeast(
      measures,
      "page views while a dashboard is reloaded twice a second, by processor time",
      0.95,
      "reported",
      names.dashboard,
      names.rollups
    ),
    ...atMostTimes(
      measures,
      "processor time of page views of 4,000 websites of 40,000, against one website alone",
      1.3,
      ["websites-views", `${edge}, 4,000 of them active`],
      ["websites-views", `${edge}, one website alone`]
    ),
    ...above("first rollup of websites", 200, "websites/s", samples("websites-rollup")),
    ...below("`stats --all-sites` of 40,000 websites", 10, "s", samples("websites-stats")),
    ...ratioAtLeast(
      measures,
      "size of the page views against that of the rollups",
      10,
      ["rollup-size", "page views"],
      ["rollup-size", "rollups"]
    )
  ]
}
