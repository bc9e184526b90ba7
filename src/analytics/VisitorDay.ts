/**
 * The days for which visitors have a hash: dates of a website's time zone, as days since 1970. Pure.
 *
 * @module
 */
import { dayMillis, dayOf, hourMillis } from "../platform/text/Calendar.ts"
import * as LocalTime from "./reports/LocalTime.ts"

/** The date at a time (milliseconds since 1970) in a time zone. */
export const at = (timeZone: string, time: number): number => dayOf(LocalTime.zone(timeZone).toLocal(time))

/** How long after the beginning of a day a lead may still belong to a visit of the day before. */
const leadMillis = 2 * hourMillis

/** The days of the visit that a lead may belong to: its date, and in the first two hours of the day also the date before. */
export const ofLead = (timeZone: string, time: number): ReadonlyArray<number> => {
  const local = LocalTime.zone(timeZone).toLocal(time)
  const day = dayOf(local)
  return local - day * dayMillis < leadMillis ? [day, day - 1] : [day]
}

/** A date ends last in the time zone 12 hours behind UTC. Its salt is needed two hours longer, for leads. */
const endMillis = 12 * hourMillis + leadMillis

/** The latest day whose salt is not needed any more at a time. */
export const lastEnded = (time: number): number => dayOf(time - endMillis) - 1
