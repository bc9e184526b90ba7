/**
 * Counts in this process what was not counted; it is gone when the process ends.
 *
 * @module
 */
import { Clock, Effect, Layer } from "effect"
import type { Counts, Subject } from "../core/Decision.ts"
import * as Statistics from "../core/Statistics.ts"
import * as Tally from "../core/Tally.ts"
import { Decisions } from "../services/Decisions.ts"

/** At most `capacity` different counts, 100,000 unless told: one a website, a day and a reason. */
export const layer = (options?: { readonly capacity?: number }): Layer.Layer<Decisions> =>
  Layer.sync(Decisions, () => {
    const tally = Tally.make(options?.capacity ?? 100_000)
    return Decisions.of({
      record: (subject, reason) =>
        Effect.map(Clock.currentTimeMillis, (now) => {
          tally.add(subject, reason, now)
        }),
      counts: ({ site, ...query }) =>
        Effect.sync(() => {
          const dates = new Set(Statistics.period(query).dates)
          const isOf = (subject: Subject) =>
            subject._tag === "Known"
              ? subject.websiteConfigId === site.websiteConfigId
              : subject.id === (subject.by === "tracking-token" ? site.trackingToken : site.websiteConfigId)
          const counts: { -readonly [Reason in keyof Counts]: Counts[Reason] } = {}
          for (const { day, reason, subject, times } of tally.entries()) {
            if (dates.has(day) && isOf(subject)) counts[reason] = (counts[reason] ?? 0) + times
          }
          return counts
        })
    })
  })
