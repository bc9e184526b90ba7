/**
 * Counts rejected page views and submissions in the memory of this process.
 *
 * @module
 */
import { Clock, Context, Effect, Layer } from "effect"
import { limitEventMillis } from "../../core/delivery/Event.ts"
import type { Counts as Counted, Subject } from "../../core/sites/Decision.ts"
import type { Site } from "../../core/sites/Site.ts"
import * as Tally from "../../core/sites/Tally.ts"
import { dateOf } from "../../core/text/Calendar.ts"
import { Decisions } from "../../services/sites/Decisions.ts"
import * as DeliveryTables from "../delivery/DeliveryTables.ts"
import { Sites } from "./SiteDirectory.ts"

/** Removes counts, for the memory `SiteErasure`. */
export class DecisionCounts extends Context.Service<DecisionCounts, Pick<Tally.Tally, "remove">>()(
  "hydracore/memory/DecisionCounts"
) {}

/**
 * At most `capacity` counts, by default 100,000. There is one count per website, day and reason. Needs the websites for the
 * event `site.limit` only.
 */
export const layer = (options?: {
  readonly capacity?: number
}): Layer.Layer<Decisions | DecisionCounts, never, Sites> =>
  Layer.effectContext(
    Effect.gen(function* () {
      const sites = yield* Sites
      const deliveries = yield* DeliveryTables.DeliveryTables
      const tally = Tally.make(options?.capacity ?? 100_000)
      /** When the last event of a website was written. */
      const eventAt = new Map<string, number>()

      const siteOf = (subject: Subject) =>
        subject._tag === "Known"
          ? sites.get(subject.websiteConfigId)
          : subject.by === "tracking-token"
            ? sites.byTrackingToken(subject.id)
            : sites.get(subject.id)

      const countsOf = ({ first, last, site }: Parameters<Decisions["Service"]["counts"]>[0]) => {
        const isOf = (subject: Subject) =>
          subject._tag === "Known"
            ? subject.websiteConfigId === site.websiteConfigId
            : subject.id === (subject.by === "tracking-token" ? site.trackingToken : site.websiteConfigId)
        const counts: { -readonly [Reason in keyof Counted]: Counted[Reason] } = {}
        for (const { day, reason, subject, times } of tally.entries()) {
          if (day >= first && day <= last && isOf(subject)) counts[reason] = (counts[reason] ?? 0) + times
        }
        return counts
      }

      const writeEvent = (site: Site, now: number): void => {
        const { websiteConfigId } = site
        if (!deliveries.hasSubscribers(websiteConfigId)) return
        if (now - (eventAt.get(websiteConfigId) ?? Number.NEGATIVE_INFINITY) < limitEventMillis) return
        eventAt.set(websiteConfigId, now)
        const day = dateOf(now)
        const { limited: refused } = countsOf({ first: day, last: day, site })
        const data = JSON.stringify({ website_config_id: websiteConfigId, day, refused })
        deliveries.write({ websiteConfigId, type: "site.limit", createdAt: now, subject: null, data })
      }

      const decisions = Decisions.of({
        record: (subject, reason) =>
          Effect.map(Clock.currentTimeMillis, (now) => {
            tally.add(subject, reason, now)
            const site = reason === "limited" ? siteOf(subject) : undefined
            if (site !== undefined) writeEvent(site, now)
          }),
        counts: (query) => Effect.sync(() => countsOf(query))
      })
      return Context.make(Decisions, decisions).pipe(Context.add(DecisionCounts, { remove: tally.remove }))
    })
  ).pipe(Layer.provide(DeliveryTables.layer))
