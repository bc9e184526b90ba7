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

type Outcome = (typeof outcomes)[number]

type Flushed = Exit.Exit<unknown, StorageUnavailable | RecordRefused>

const outcomeOf = (exit: Flushed): Outcome => {
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
    return Effect.succeed((items: number, millis: number, outcome: Outcome): void => {
      size.updateUnsafe(items, context)
      durations.get(outcome)?.updateUnsafe(Metrics.seconds(millis), context)
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
  const flush: typeof options.flush = (items, batchId) =>
    Effect.suspend(() => {
      const begun = clock.monotonicTimeNanosUnsafe()
      return Effect.onExit(options.flush(items, batchId), (exit) =>
        Effect.sync(() => {
          const millis = Number(clock.monotonicTimeNanosUnsafe() - begun) / 1e6
          const outcome = outcomeOf(exit)
          record(items.length, millis, outcome)
          health?.record(kind, outcome, millis)
        })
      )
    })
  const measured = { ...options, flush }
  const batches = yield* traced ? makeTraced(kind, system, measured) : GroupCommit.make(measured)
  yield* Metrics.observeGauge(Metrics.batchQueue({ kind }), batches.queued)
  return batches
})

/** How long a failure counts as current, in milliseconds. */
const failingMillis = 2_000

/**
 * - `writable`: the last write of every kind succeeded.
 * - `failing`: the last write of a kind failed, less than `failingMillis` ago.
 * - `unknown`: the last write of a kind failed, but each such failure is older. A load balancer may have removed the process
 *   because of the failure, so that the process gets no more writes and must try one itself.
 */
type WriteStatus = "writable" | "failing" | "unknown"

/**
 * The outcomes of recent writes, so that the readiness check need not write while they succeed. All services over the same database
 * share one instance, since layers are memoized.
 */
export class WriteHealth extends Context.Service<
  WriteHealth,
  {
    /** Records how a write of this kind ended, and how long it took in milliseconds. */
    readonly record: (kind: Kind, outcome: Outcome, millis: number) => void
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

/** Whether a write failed; undefined if its end says nothing about the store. A store that refuses an invalid record is healthy. */
const hasFailed = (outcome: Outcome, millis: number): boolean | undefined => {
  if (outcome === "unavailable" || (outcome === "abandoned" && millis >= slowMillis)) return true
  return outcome === "stored" || outcome === "refused" ? false : undefined
}

export const layerHealth: Layer.Layer<WriteHealth> = Layer.effect(
  WriteHealth,
  Effect.map(Clock.Clock, (clock) => {
    const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
    /** The kinds of writes whose last write failed, with the time of that failure. */
    const failures = new Map<Kind, number>()
    return {
      record: (kind, outcome, millis) => {
        const failed = hasFailed(outcome, millis)
        if (failed === true) failures.set(kind, now())
        else if (failed === false) failures.delete(kind)
      },
      status: Effect.sync(() => {
        if (failures.size === 0) return "writable"
        const earliest = now() - failingMillis
        return [...failures.values()].some((failedAt) => failedAt > earliest) ? "failing" : "unknown"
      }),
      clearFailures: Effect.sync(() => failures.clear())
    }
  })
)
