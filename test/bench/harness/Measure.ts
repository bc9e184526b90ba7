/**
 * What the bench measures, and what is made of it. Pure.
 *
 * @module
 */
import * as Numbers from "./Numbers.ts"

export type Unit = "requests/s" | "rows/s" | "tokens/s" | "bytes" | "µs" | "ms" | "MB" | "s" | "streams"

/** One thing that was measured of one or more contenders. */
export interface Measure {
  /** Such as `views`; known to the goals. */
  readonly id: string
  readonly title: string
  readonly unit: Unit
  readonly rows: ReadonlyArray<Row>
}

export interface Row {
  readonly contender: string
  /** One for each round, in their order. */
  readonly samples: ReadonlyArray<number>
}

/** The names that the goals know. */
export const names = {
  edge: "edge",
  raw: "node:http, nothing stored",
  fastify: "Fastify + pg",
  fastapi: "FastAPI + asyncpg"
}

export interface Goal {
  readonly text: string
  readonly goal: string
  readonly found: string
  readonly met: boolean
}

/** A number with three digits that count, thousands with commas. */
export const digits = (value: number): string => {
  if (!Number.isFinite(value)) return "-"
  const size = Math.abs(value)
  if (size >= 1000) return Math.round(Number(value.toPrecision(3))).toLocaleString("en-US")
  return String(Number(value.toPrecision(3)))
}

const samplesOf = (measures: ReadonlyArray<Measure>, id: string, contender: string) => {
  const samples = measures
    .find((measure) => measure.id === id)
    ?.rows.find((row) => row.contender === contender)?.samples
  return samples === undefined || samples.length === 0 ? undefined : samples
}

/** A goal that a ratio must reach; none where one of the two was not measured. */
const atLeast = (
  measures: ReadonlyArray<Measure>,
  text: string,
  least: number,
  [id, contender]: readonly [string, string],
  [againstId, against]: readonly [string, string]
): ReadonlyArray<Goal> => {
  const own = samplesOf(measures, id, contender)
  const other = samplesOf(measures, againstId, against)
  if (own === undefined || other === undefined) return []
  const found = Numbers.ratio(own, other)
  return [{ text, goal: `at least ${least}`, found: `${found.toFixed(2)}`, met: found >= least }]
}

/** A goal that a median must stay below. */
const below = (
  measures: ReadonlyArray<Measure>,
  text: string,
  most: number,
  unit: Unit,
  [id, contender]: readonly [string, string],
  less: number | undefined = 0
): ReadonlyArray<Goal> => {
  const own = samplesOf(measures, id, contender)
  if (own === undefined || less === undefined) return []
  const found = Numbers.median(own) - less
  return [{ text, goal: `under ${digits(most)} ${unit}`, found: `${digits(found)} ${unit}`, met: found < most }]
}

/** A goal that a median must stay below another contender's. */
const lower = (measures: ReadonlyArray<Measure>, text: string, id: string, against: string): ReadonlyArray<Goal> => {
  const own = samplesOf(measures, id, names.edge)
  const other = samplesOf(measures, id, against)
  if (own === undefined || other === undefined) return []
  const [found, theirs] = [Numbers.median(own), Numbers.median(other)]
  return [{ text, goal: `lower than ${digits(theirs)} ms`, found: `${digits(found)} ms`, met: found < theirs }]
}

/** The goals that can be judged by what was measured. */
export const goals = (measures: ReadonlyArray<Measure>): ReadonlyArray<Goal> => {
  const { edge, fastapi, fastify, raw } = names
  const direct = (id: string) => {
    const samples = samplesOf(measures, id, "the agent itself")
    return samples === undefined ? undefined : Numbers.median(samples)
  }
  return [
    ...atLeast(measures, "page views against FastAPI + asyncpg", 10, ["views", edge], ["views", fastapi]),
    ...atLeast(measures, "page views against Fastify + pg", 5, ["views", edge], ["views", fastify]),
    ...atLeast(measures, "page views against bare node:http that stores nothing", 0.5, ["views", edge], ["views", raw]),
    ...lower(measures, "median latency at half of the edge's top rate, against Fastify's", "median-own", fastify),
    ...lower(measures, "p99 latency at half of the edge's top rate, against Fastify's", "p99-own", fastify),
    ...lower(measures, "median latency at half of Fastify's top rate, against Fastify's", "median-peer", fastify),
    ...lower(measures, "p99 latency at half of Fastify's top rate, against Fastify's", "p99-peer", fastify),
    ...atLeast(measures, "submissions against FastAPI + asyncpg", 6, ["forms", edge], ["forms", fastapi]),
    ...atLeast(measures, "submissions against Fastify + pg", 4, ["forms", edge], ["forms", fastify]),
    ...atLeast(measures, "a 422 against a 204", 0.7, ["invalid", edge], ["views", edge]),
    ...atLeast(measures, "chat: tokens a second against nginx", 0.5, ["tokens", edge], ["tokens", "nginx"]),
    ...below(measures, "chat: added to the first token", 1, "ms", ["first-token", edge], direct("first-token")),
    ...below(measures, "chat: added to each token", 1, "ms", ["token", edge], direct("token")),
    ...atLeast(measures, "open chat streams, of 10,000", 1, ["streams", "held"], ["streams", "wanted"]),
    ...below(measures, "memory with these streams", 500, "MB", ["streams-memory", edge]),
    ...below(measures, "descriptors lost after they ended", 1, "streams", ["streams-lost", edge]),
    ...below(measures, "memory at the top rate of page views", 250, "MB", ["memory", edge]),
    ...below(measures, "start of `serve` to the first answer", 1, "s", ["start", edge]),
    ...atLeast(
      measures,
      "page views with many stored against an empty table",
      0.95,
      ["stored", "full"],
      ["stored", "empty"]
    )
  ]
}

/** The rates that fell by more than a tenth from the second row to the first, each as a sentence. */
export const regressions = (measures: ReadonlyArray<Measure>): ReadonlyArray<string> =>
  measures.flatMap(({ rows: [own, other], title, unit }) => {
    if (unit !== "requests/s" || own === undefined || other === undefined) return []
    const found = Numbers.ratio(own.samples, other.samples)
    return found < 0.9 ? [`${title}: ${found.toFixed(2)} times the rate of ${other.contender}`] : []
  })
