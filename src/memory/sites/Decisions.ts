/**
 * Counts rejected page views and submissions in the memory of this process.
 *
 * @module
 */
import { Clock, Context, Effect, Layer } from "effect"
import type { Counts as Counted, Subject } from "../../core/sites/Decision.ts"
import * as Tally from "../../core/sites/Tally.ts"
import { Decisions } from "../../services/sites/Decisions.ts"

/** Removes counts, for the memory `SiteErasure`. */
export class DecisionCounts extends Context.Service<DecisionCounts, Pick<Tally.Tally, "remove">>()(
  "hydracore/memory/DecisionCounts"
) {}

/** At most `capacity` counts, by default 100,000. There is one count per website, day and reason. */
export const layer = (options?: { readonly capacity?: number }): Layer.Layer<Decisions | DecisionCounts> =>
  Layer.syncContext(() => {
    const tally = Tally.make(options?.capacity ?? 100_000)
    const decisions = Decisions.of({
      record: (subject, reason) =>
        Effect.map(Clock.currentTimeMillis, (now) => {
          tally.add(subject, reason, now)
        }),
      counts: ({ first, last, site }) =>
        Effect.sync(() => {
          const isOf = (subject: Subject) =>
            subject._tag === "Known"
              ? subject.websiteConfigId === site.websiteConfigId
              : subject.id === (subject.by === "tracking-token" ? site.trackingToken : site.websiteConfigId)
          const counts: { -readonly [Reason in keyof Counted]: Counted[Reason] } = {}
          for (const { day, reason, subject, times } of tally.entries()) {
            if (day >= first && day <= last && isOf(subject)) counts[reason] = (counts[reason] ?? 0) + times
          }
          return counts
        })
    })
    return Context.make(Decisions, decisions).pipe(Context.add(DecisionCounts, { remove: tally.remove }))
  })
