/**
 * Provides the secret of visitor hashes, and decides for which days there is one. `analytics/postgres/VisitorSalts` has the layer
 * on PostgreSQL.
 *
 * @module
 */

import { randomBytes } from "node:crypto"
import { Clock, Context, Effect, Layer } from "effect"
import type { StorageUnavailable } from "../platform/Storage.ts"
import { dayMillis, dayOf, hourMillis } from "../platform/text/Calendar.ts"
import * as LocalTime from "./reports/LocalTime.ts"

export class VisitorSalts extends Context.Service<
  VisitorSalts,
  {
    /**
     * The 32 random bytes of a date, in days since 1970: the same for all processes that share the store, and for all websites.
     * A salt is deleted after the date has ended in every time zone (`lastEnded`), so that older hashes cannot be
     * recomputed. Callers ask for no such date.
     */
    readonly of: (day: number) => Effect.Effect<Uint8Array, StorageUnavailable>
  }
>()("hydracore/analytics/VisitorSalts") {}

/** How long after the beginning of a day a lead may still belong to a visit of the day before. */
const leadMillis = 2 * hourMillis

/** The days of the visit that a lead may belong to: its date, and in the first two hours of the day also the date before. */
export const daysOfLead = (timeZone: string, time: number): ReadonlyArray<number> => {
  const local = LocalTime.zone(timeZone).toLocal(time)
  const day = dayOf(local)
  return local - day * dayMillis < leadMillis ? [day, day - 1] : [day]
}

/** A date ends last in the time zone 12 hours behind UTC. Its salt is needed two hours longer, for leads. */
const endMillis = 12 * hourMillis + leadMillis

/** The latest day whose salt is not needed any more at a time. */
export const lastEnded = (time: number): number => dayOf(time - endMillis) - 1

/** The salts of dates, in the memory of this process. */
export const layerMemory: Layer.Layer<VisitorSalts> = Layer.sync(VisitorSalts, () => {
  const salts = new Map<number, Uint8Array>()
  return {
    of: (day) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        for (const known of salts.keys()) if (known <= lastEnded(now)) salts.delete(known)
        const salt = salts.get(day) ?? randomBytes(32)
        salts.set(day, salt)
        return salt
      })
  }
})
