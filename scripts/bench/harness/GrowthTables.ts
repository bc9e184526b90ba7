/**
 * The tables of the bench that the growth guide reads: the bench prints them and `GrowthUnits.ts` finds their figures by these
 * titles and rows. Pure.
 *
 * @module
 */
import { format, type Measure, names } from "./Measure.ts"
import { table } from "./Table.ts"

type Heading = Pick<Measure, "id" | "title" | "unit">

export const views = { id: "views", title: "Page views", unit: "requests/s" } as const satisfies Heading

/** The latency at half of the top rate of the service (`own`) or of Fastify (`peer`). */
export const latency = (kind: "median" | "p99", at: "own" | "peer"): Heading => ({
  id: `${kind}-${at}`,
  title: `Latency, ${kind}, at half of ${at === "own" ? names.edge : names.fastify}'s top rate`,
  unit: "ms"
})

/** The number of page views in a batch of a busy process. */
export const batchSize = 100

export const database: Heading = {
  id: "database",
  title: `Page views that PostgreSQL stores in batches of ${batchSize}`,
  unit: "rows/s"
}

/** The row of `database` for a number of writers. */
export const batchesRow = (writers: number): string =>
  writers === 1 ? "one batch at a time" : `${writers} concurrent batches`

export const size: Heading = { id: "size", title: "Size of a stored page view", unit: "bytes" }

/** The row of `size`. */
export const sizeRow = "page_view"

/** The number of concurrent requests to Redis. */
export const redisConcurrency = 64

export const redis: Heading = {
  id: "redis",
  title: `Requests that Redis limits, ${redisConcurrency} at a time`,
  unit: "requests/s"
}

/** The row of `redis`. */
export const redisServer = "redis-server"

/** What `programs/PageViewBytes.ts` prints. */
export const bytes = {
  heading: "Bytes of a page view",
  request: "request, with its head",
  answer: "answer",
  log: "write-ahead log of PostgreSQL"
}

export const bytesTable = (medians: Readonly<Record<"request" | "answer" | "log", number>>): string =>
  table(
    [bytes.heading, "median"],
    (["request", "answer", "log"] as const).map((name) => [bytes[name], format(medians[name])])
  )
