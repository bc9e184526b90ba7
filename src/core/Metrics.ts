/**
 * What is measured of the service, and what is made of it: the sums over processes, and Prometheus's text. Pure.
 *
 * Values are whole numbers in a unit of their own (microseconds, bytes), so that sums are exact in whatever order they are
 * made. No label holds what a stranger sent: each has few values, all of them known beforehand.
 *
 * @module
 */

export interface Family {
  readonly type: "counter" | "gauge" | "histogram"
  /** As Prometheus knows it. */
  readonly name: string
  readonly help: string
  /** How many of the units in which it is counted are one of those in which it is shown; 1 unless given. */
  readonly divisor?: number
  /** Of a histogram: the upper bounds of its buckets, ascending, as they are counted. */
  readonly bounds?: ReadonlyArray<number>
  /** Whether each process shows its own, under the label `process`, where others are summed. */
  readonly each?: true
}

const second = 1_000_000

/** From a millisecond to the longest chat stream, in microseconds. */
const durations = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 60_000, 900_000].map(
  (millis) => millis * 1_000
)

const sizes = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000]

/** Everything that is measured, in the order in which it is shown. */
export const families = {
  requests: {
    type: "counter",
    name: "hydracore_http_requests_total",
    help: "Answers by route, method and status; status aborted where the client left before it had one."
  },
  requestDuration: {
    type: "histogram",
    name: "hydracore_http_request_duration_seconds",
    help: "Time from a request's head to the end of its answer, by route.",
    divisor: second,
    bounds: durations
  },
  requestsOpen: { type: "gauge", name: "hydracore_http_requests_open", help: "Requests that are not answered yet." },
  connections: { type: "gauge", name: "hydracore_http_connections", help: "Open connections of clients." },
  connectionsLimited: {
    type: "counter",
    name: "hydracore_connections_limited_total",
    help: "Connections beyond a bound (of an address, of the process): idle ones closed for them, and new ones refused."
  },
  decisions: {
    type: "counter",
    name: "hydracore_decisions_total",
    help: "What became of page views, submissions and requests that are not valid HTTP, as X-HydraCore-Decision tells it."
  },
  chatStreams: { type: "gauge", name: "hydracore_chat_streams_open", help: "Chat answers that are being streamed." },
  batchSize: {
    type: "histogram",
    name: "hydracore_batch_size",
    help: "Items in a batch that was sent to the database, by kind.",
    bounds: sizes
  },
  batchDuration: {
    type: "histogram",
    name: "hydracore_batch_duration_seconds",
    help: "Time that the database took for a batch, by kind and outcome.",
    divisor: second,
    bounds: durations
  },
  batchQueue: { type: "gauge", name: "hydracore_batch_queue", help: "Items that wait for a batch, by kind." },
  limiterFallbacks: {
    type: "counter",
    name: "hydracore_limiter_fallbacks_total",
    help: "Requests that a process counted by itself because what counts for all was away."
  },
  workers: { type: "gauge", name: "hydracore_workers", help: "Workers that serve." },
  workerRestarts: {
    type: "counter",
    name: "hydracore_worker_restarts_total",
    help: "Workers that were started in the place of one that died."
  },
  handovers: {
    type: "counter",
    name: "hydracore_handovers_total",
    help: "Connections that the primary took, by what became of them."
  },
  memory: {
    type: "gauge",
    name: "hydracore_process_memory_bytes",
    help: "Memory by kind: resident, heap (in use).",
    each: true
  },
  cpu: {
    type: "counter",
    name: "hydracore_process_cpu_seconds_total",
    help: "Time of the processor.",
    divisor: second,
    each: true
  },
  loopActive: {
    type: "counter",
    name: "hydracore_event_loop_active_seconds_total",
    help: "Time in which the event loop had something to do.",
    divisor: second,
    each: true
  },
  loopDelay: {
    type: "gauge",
    name: "hydracore_event_loop_delay_seconds",
    help: "How late the event loop was in the last ten seconds or more, by quantile.",
    divisor: second,
    each: true
  },
  garbage: {
    type: "counter",
    name: "hydracore_gc_seconds_total",
    help: "Time for which garbage collection stopped the process, by kind.",
    divisor: second,
    each: true
  }
} as const satisfies Readonly<Record<string, Family>>

export type Name = keyof typeof families

export type NameOf<Type extends Family["type"]> = {
  [Key in Name]: (typeof families)[Key]["type"] extends Type ? Key : never
}[Name]

export type Labels = Readonly<Record<string, string>>

/** The values of a family under some labels. */
export interface Series {
  /** A `Name`; another version's processes may know others. */
  readonly name: string
  readonly labels: Labels
  /** One value; of a histogram how many fell into each bucket, into none of them, and the sum of all. */
  readonly values: ReadonlyArray<number>
}

/** What one process, or several together, measured. */
export type Snapshot = ReadonlyArray<Series>

const familyOf = (name: string): Family | undefined =>
  Object.hasOwn(families, name) ? families[name as Name] : undefined

const keyOf = ({ labels, name }: Series): string =>
  JSON.stringify([name, ...Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))])

const add = (a: ReadonlyArray<number>, b: ReadonlyArray<number>): ReadonlyArray<number> =>
  Array.from({ length: Math.max(a.length, b.length) }, (_, index) => (a[index] ?? 0) + (b[index] ?? 0))

/** The sums over snapshots, each series once. */
export const merge = (snapshots: ReadonlyArray<Snapshot>): Snapshot => {
  const merged = new Map<string, Series>()
  for (const snapshot of snapshots) {
    for (const series of snapshot) {
      const key = keyOf(series)
      const known = merged.get(key)
      merged.set(key, known === undefined ? series : { ...known, values: add(known.values, series.values) })
    }
  }
  return [...merged.values()]
}

/** What stays of a process that has ended: what only ever grows. Without it, the sums would fall. */
export const lasting = (snapshot: Snapshot): Snapshot =>
  snapshot.filter(({ name }) => {
    const family = familyOf(name)
    return family !== undefined && family.type !== "gauge" && family.each !== true
  })

/** A process's snapshot with its name on what each process shows for itself. */
export const named = (process: string, snapshot: Snapshot): Snapshot =>
  snapshot.map((series) =>
    familyOf(series.name)?.each === true ? { ...series, labels: { ...series.labels, process } } : series
  )

const escape = (text: string): string => text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")

const shown = (labels: Labels): string => {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escape(value).replaceAll('"', '\\"')}"`)
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`
}

const renderHistogram = (family: Family, { labels, values }: Series): ReadonlyArray<string> => {
  const { bounds = [], divisor = 1, name } = family
  let count = 0
  const buckets = [...bounds, Number.POSITIVE_INFINITY].map((bound, index) => {
    count += values[index] ?? 0
    const le = Number.isFinite(bound) ? String(bound / divisor) : "+Inf"
    return `${name}_bucket${shown({ ...labels, le })} ${count}`
  })
  const sum = (values[bounds.length + 1] ?? 0) / divisor
  return [...buckets, `${name}_sum${shown(labels)} ${sum}`, `${name}_count${shown(labels)} ${count}`]
}

/** Prometheus's text format, version 0.0.4. What this version does not know is left out. */
export const render = (snapshot: Snapshot): string => {
  const lines: Array<string> = []
  for (const [key, family] of Object.entries<Family>(families)) {
    const all = snapshot.filter(({ name }) => name === key)
    if (all.length === 0) continue
    lines.push(`# HELP ${family.name} ${escape(family.help)}`, `# TYPE ${family.name} ${family.type}`)
    for (const series of all) {
      if (family.type === "histogram") lines.push(...renderHistogram(family, series))
      else lines.push(`${family.name}${shown(series.labels)} ${(series.values[0] ?? 0) / (family.divisor ?? 1)}`)
    }
  }
  return lines.map((line) => `${line}\n`).join("")
}
