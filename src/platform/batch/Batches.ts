/**
 * The batches of a store: group commits with metrics, spans, and the health of the last writes.
 *
 * @module
 */
import { Cause, Clock, Context, Effect, Exit, Layer, Option, type Scope, Tracer } from "effect"
import type { RecordRefused, StorageUnavailable } from "../Storage.ts"
import * as Metrics from "../telemetry/Metrics.ts"
import * as GroupCommit from "./GroupCommit.ts"

/** The kind of items that a group commit stores. */
export type Kind =
  | "page-views"
  | "bot-views"
  | "events"
  | "submissions"
  | "turns"
  | "answers"
  | "answer-pieces"
  | "deliveries"

/** How a flush ended; `abandoned` if it was cancelled because no caller waited. */
const outcomes = ["stored", "refused", "unavailable", "abandoned", "died"] as const

type Flushed = Exit.Exit<unknown, StorageUnavailable | RecordRefused>

const outcomeOf = (exit: Flushed): (typeof outcomes)[number] => {
  if (Exit.isSuccess(exit)) return "stored"
  const error = Option.getOrUndefined(Cause.findErrorOption(exit.cause))
  if (error !== undefined) return error._tag === "RecordRefused" ? "refused" : "unavailable"
  return Cause.hasInterruptsOnly(exit.cause) ? "abandoned" : "died"
}

/** Makes the function that records a flush: its items, its duration in milliseconds, and how it ended. */
const recorder = (kind: Kind) =>
  Effect.contextWith((context: Context.Context<never>) => {
    const size = Metrics.batchSize({ kind })
    const durations = new Map(outcomes.map((outcome) => [outcome, Metrics.batchDuration({ kind, outcome })]))
    // Creates each series before its first value: a rate needs the initial zero.
    for (const metric of [size, ...durations.values()]) metric.valueUnsafe(context)
    return Effect.succeed((items: number, millis: number, exit: Flushed): void => {
      size.updateUnsafe(items, context)
      durations.get(outcomeOf(exit))?.updateUnsafe(Metrics.seconds(millis), context)
    })
  })

/** The maximum number of links of a span: OpenTelemetry's default limit. */
const maxLinks = 128

interface Traced<Item> {
  readonly item: Item
  /** The sampled span in which the item was submitted. */
  readonly span: Tracer.AnySpan | undefined
}

/**
 * A group commit whose batches have spans if they contain items of sampled requests. The span of a batch is a child of the first of
 * these requests' spans, and links to the spans of the others.
 */
const makeTraced = <Item, A, E>(
  kind: Kind,
  system: NonNullable<Observation["system"]>,
  options: GroupCommit.Options<Item, A, E>
): Effect.Effect<GroupCommit.GroupCommit<Item, A, E>, never, Scope.Scope> => {
  const { flush, weigh, ...rest } = options
  const tracedFlush: GroupCommit.Options<Traced<Item>, A, E>["flush"] = (entries, batchId) => {
    const [first, ...others] = entries
    const stored = flush([first.item, ...others.map(({ item }) => item)], batchId)
    const [parent, ...linked] = entries.map(({ span }) => span).filter((span) => span !== undefined)
    if (parent === undefined) return stored
    return Effect.useSpan(
      `batch ${kind}`,
      {
        kind: "client",
        parent,
        links: linked.slice(0, maxLinks).map((span) => ({ span, attributes: {} })),
        attributes: { "db.system.name": system, "batch.kind": kind, "batch.size": entries.length }
      },
      (span) => stored.pipe(Effect.provideService(Tracer.ParentSpan, span), Effect.withTracerEnabled(false))
    ).pipe(Effect.withTracerEnabled(true))
  }
  return Effect.map(
    GroupCommit.make<Traced<Item>, A, E>({
      ...rest,
      ...(weigh === undefined ? {} : { weigh: ({ item }) => weigh(item) }),
      flush: tracedFlush
    }),
    ({ queued, submit }) => ({
      queued,
      submit: (item) =>
        Effect.withFiber(({ cache: { span } }) => submit({ item, span: span?.sampled === true ? span : undefined }))
    })
  )
}

export interface Observation {
  /** Whether batches of sampled requests are traced. Default: no. */
  readonly traced?: boolean | undefined
  /** The database, as OpenTelemetry names it. Default: `postgresql`. */
  readonly system?: "postgresql" | "clickhouse"
  /** Records the outcomes of the writes. */
  readonly health?: WriteHealth["Service"]
}

/** Starts a group commit in the scope, with the metrics of its kind. */
export const make = Effect.fnUntraced(function* <Item, A, E>(
  kind: Kind,
  options: GroupCommit.Options<Item, A, E>,
  { health, system = "postgresql", traced = false }: Observation = {}
): Effect.fn.Return<GroupCommit.GroupCommit<Item, A, E>, never, Scope.Scope> {
  const clock = yield* Clock.Clock
  const record = yield* recorder(kind)
  const observeHealth = health?.observe(kind)
  const flush: typeof options.flush = (items, batchId) =>
    Effect.suspend(() => {
      const begun = clock.monotonicTimeNanosUnsafe()
      const stored = options.flush(items, batchId)
      return Effect.onExit(observeHealth === undefined ? stored : observeHealth(stored), (exit) =>
        Effect.sync(() => record(items.length, Number(clock.monotonicTimeNanosUnsafe() - begun) / 1e6, exit))
      )
    })
  const measured = { ...options, flush }
  const batches = yield* traced ? makeTraced(kind, system, measured) : GroupCommit.make(measured)
  yield* Metrics.observeGauge(Metrics.batchQueue({ kind }), batches.queued)
  return batches
})

/** The kinds of writes whose last write failed, with the time of that failure in milliseconds of a monotonic clock. */
export type Failures = ReadonlyMap<string, number>

export const noFailures: Failures = new Map()

/** The failures after one more write. */
export const failuresAfter = (
  failures: Failures,
  kind: string,
  outcome: "stored" | "failed",
  now: number
): Failures => {
  if (outcome === "stored" && !failures.has(kind)) return failures
  const next = new Map(failures)
  if (outcome === "stored") next.delete(kind)
  else next.set(kind, now)
  return next
}

/** How long a failure counts as current, in milliseconds. */
export const failingMillis = 2_000

/**
 * - `writable`: the last write of every kind succeeded.
 * - `failing`: the last write of a kind failed, less than `failingMillis` ago.
 * - `unknown`: the last write of a kind failed, but each such failure is older. A load balancer may have removed the process
 *   because of the failure, so that the process gets no more writes and must try one itself.
 */
export type WriteStatus = "writable" | "failing" | "unknown"

export const statusOf = (failures: Failures, now: number): WriteStatus => {
  if (failures.size === 0) return "writable"
  for (const failedAt of failures.values()) if (now - failedAt < failingMillis) return "failing"
  return "unknown"
}

/**
 * The outcomes of recent writes, so that the readiness check need not write while they succeed. All services over the same database
 * share one instance, since layers are memoized.
 */
export class WriteHealth extends Context.Service<
  WriteHealth,
  {
    /** Records the outcome of a write of this kind. */
    readonly observe: (
      kind: string
    ) => <A, R>(
      write: Effect.Effect<A, StorageUnavailable | RecordRefused, R>
    ) => Effect.Effect<A, StorageUnavailable | RecordRefused, R>
    readonly status: Effect.Effect<WriteStatus>
    /** Call it after a trial write of every kind has succeeded. */
    readonly clearFailures: Effect.Effect<void>
  }
>()("hydracore/platform/batch/WriteHealth") {}

/**
 * A write that is interrupted after this many milliseconds counts as failed. One that is interrupted earlier does not: its
 * clients may just have disconnected.
 */
const slowMillis = 1_000

const healthOf = (
  exit: Exit.Exit<unknown, StorageUnavailable | RecordRefused>,
  millis: number
): "stored" | "failed" | undefined => {
  if (Exit.isSuccess(exit)) return "stored"
  const error = Option.getOrUndefined(Cause.findErrorOption(exit.cause))
  // A store that refuses an invalid record is healthy.
  if (error !== undefined) return error._tag === "StorageUnavailable" ? "failed" : "stored"
  return Cause.hasInterrupts(exit.cause) && millis >= slowMillis ? "failed" : undefined
}

export const layerHealth: Layer.Layer<WriteHealth> = Layer.effect(
  WriteHealth,
  Effect.gen(function* () {
    const clock = yield* Clock.Clock
    const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1_000_000
    let failures = noFailures
    return {
      observe: (kind) => (write) =>
        Effect.suspend(() => {
          const begun = now()
          return Effect.onExit(write, (exit) =>
            Effect.sync(() => {
              const ended = now()
              const outcome = healthOf(exit, ended - begun)
              if (outcome !== undefined) failures = failuresAfter(failures, kind, outcome, ended)
            })
          )
        }),
      status: Effect.sync(() => statusOf(failures, now())),
      clearFailures: Effect.sync(() => {
        failures = noFailures
      })
    }
  })
)
