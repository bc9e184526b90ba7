/**
 * Counts rejected page views, events, submissions and chat messages in the memory of this process.
 *
 * @module
 */
import { Clock, Context, Effect, Layer, Option } from "effect"
import { limitEventMillis } from "../../core/delivery/Event.ts"
import { type Counts, isOfLimit, type Subject, type TallyReason } from "../../core/sites/Decision.ts"
import type { Site } from "../../core/sites/Site.ts"
import * as Tally from "../../core/sites/Tally.ts"
import { dateOf } from "../../core/text/Calendar.ts"
import { InstanceDirectory } from "../../services/chat/InstanceDirectory.ts"
import { Decisions } from "../../services/sites/Decisions.ts"
import * as DeliveryTables from "../delivery/DeliveryTables.ts"
import { Sites } from "./SiteDirectory.ts"

/** Removes counts, for the memory layer of `SiteErasure`. */
export class DecisionCounts extends Context.Service<DecisionCounts, Pick<Tally.Tally, "remove">>()(
  "hydracore/memory/DecisionCounts"
) {}

/**
 * At most `capacity` counts, by default 100,000. There is one count per subject, day and reason. Uses the websites only for the
 * event `site.limit`.
 */
export const layer = (options?: {
  readonly capacity?: number
}): Layer.Layer<Decisions | DecisionCounts, never, Sites | InstanceDirectory> =>
  Layer.effectContext(
    Effect.gen(function* () {
      const sites = yield* Sites
      const instances = yield* InstanceDirectory
      const deliveries = yield* DeliveryTables.DeliveryTables
      const tally = Tally.make(options?.capacity ?? 100_000)
      /** When the last event of a website was written, by website. */
      const eventAt = new Map<string, number>()

      /** Replaces an instance with the website that it serves, if it serves one. */
      const served = (subject: Subject): Effect.Effect<Subject> =>
        subject._tag === "Known" || subject.by !== "instance-id"
          ? Effect.succeed(subject)
          : instances.find(subject.id).pipe(
              Effect.map((found) => Option.getOrUndefined(found)?.websiteConfigId ?? null),
              Effect.orElseSucceed(() => null),
              Effect.map((id) => (id === null ? subject : { _tag: "Known", websiteConfigId: id }))
            )

      const siteOf = (subject: Subject) =>
        subject._tag === "Known"
          ? sites.get(subject.websiteConfigId)
          : subject.by === "tracking-token"
            ? sites.byTrackingToken(subject.id)
            : sites.get(subject.id)

      /** The number of rejections of a website on these days, by reason. */
      const timesOf = ({ first, last, site }: Parameters<Decisions["Service"]["counts"]>[0]) => {
        const isOf = (subject: Subject) =>
          subject._tag === "Known"
            ? subject.websiteConfigId === site.websiteConfigId
            : subject.id === (subject.by === "tracking-token" ? site.trackingToken : site.websiteConfigId)
        const times = new Map<TallyReason, number>()
        for (const entry of tally.entries()) {
          if (entry.day < first || entry.day > last || !isOf(entry.subject)) continue
          times.set(entry.reason, (times.get(entry.reason) ?? 0) + entry.times)
        }
        return times
      }

      const writeEvent = (site: Site, now: number): void => {
        const { websiteConfigId } = site
        if (!deliveries.hasSubscribers(websiteConfigId)) return
        if (now - (eventAt.get(websiteConfigId) ?? Number.NEGATIVE_INFINITY) < limitEventMillis) return
        eventAt.set(websiteConfigId, now)
        const day = dateOf(now)
        const times = timesOf({ first: day, last: day, site })
        const data = JSON.stringify({
          website_config_id: websiteConfigId,
          day,
          refused: times.get("limited") ?? 0,
          refused_messages: times.get("chat-limited") ?? 0
        })
        deliveries.write({ websiteConfigId, type: "site.limit", createdAt: now, subject: null, data })
      }

      const decisions = Decisions.of({
        record: Effect.fnUntraced(function* (given, reason) {
          const subject = yield* served(given)
          const now = yield* Clock.currentTimeMillis
          tally.add(subject, reason, now)
          const site = isOfLimit(reason) ? siteOf(subject) : undefined
          if (site !== undefined) writeEvent(site, now)
        }),
        counts: (query) =>
          Effect.sync((): Counts => {
            const times = timesOf(query)
            times.delete("chat-limited")
            return Object.fromEntries(times)
          })
      })
      return Context.make(Decisions, decisions).pipe(Context.add(DecisionCounts, { remove: tally.remove }))
    })
  ).pipe(Layer.provide(DeliveryTables.layer))
