/**
 * Spans for batches that contain items of sampled requests. The span of a batch is a child of the first of these requests'
 * spans, and links to the spans of the others.
 *
 * @module
 */
import { Effect, type Scope, Tracer } from "effect"
import type { Kind } from "./BatchMetrics.ts"
import * as GroupCommit from "./GroupCommit.ts"

/** The maximum number of links of a span: OpenTelemetry's default limit. */
const maxLinks = 128

interface Traced<Item> {
  readonly item: Item
  /** The sampled span in which the item was submitted. */
  readonly span: Tracer.AnySpan | undefined
}

/**
 * A group commit that traces its batches if `isTraced`; otherwise a plain one. `system` is the database, as OpenTelemetry names
 * it.
 */
export const make = <Item, A, E>(
  kind: Kind,
  isTraced: boolean,
  options: GroupCommit.Options<Item, A, E>,
  system: "postgresql" | "clickhouse" = "postgresql"
): Effect.Effect<GroupCommit.GroupCommit<Item, A, E>, never, Scope.Scope> => {
  if (!isTraced) return GroupCommit.make(options)
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
    ({ submit }) => ({
      submit: (item) =>
        Effect.withFiber(({ cache: { span } }) => submit({ item, span: span?.sampled === true ? span : undefined }))
    })
  )
}
