/**
 * Decides which submissions go into one mail, and when. Pure: the time is an argument.
 *
 * Without a digest each submission has a mail of its own, up to ten mails in an hour. Beyond that, all waiting
 * submissions go into one mail, a quarter of an hour after the last mail, so that an attack fills no mailbox and a busy day
 * remains readable.
 *
 * @module
 */
import { hourMillis } from "../../platform/text/Calendar.ts"
import * as LocalMorning from "./LocalMorning.ts"
import type { Digest } from "./Notification.ts"

/** Each submission has its own mail only if the recipient then gets at most this many mails within an hour. */
export const maxSingles = 10

/** The time for which the digest `15m` collects submissions, and the time between two mails beyond `maxSingles`. */
export const quarterMillis = 900_000

/** The maximum number of submissions of a mail. */
export const maxItems = 5_000

/** What waits for one recipient. Times are milliseconds since 1970. */
export interface Waiting {
  readonly digest: Digest | null
  readonly timeZone: string
  /** The number of waiting submissions. */
  readonly count: number
  /** When the oldest of these submissions was stored. */
  readonly oldestAt: number
  /** When the recipient's mails of the last hour were created, in any order. */
  readonly mailedAt: ReadonlyArray<number>
}

export interface Plan {
  /** The number of submissions of each mail to make now, oldest first. */
  readonly mails: ReadonlyArray<number>
  /** When to decide about the remaining submissions; null if none remain. */
  readonly nextAt: number | null
}

/** One mail with the waiting submissions, at most `maxItems`, once the mail is due. */
const together = ({ count }: Waiting, dueAt: number, now: number): Plan => {
  if (now < dueAt) return { mails: [], nextAt: dueAt }
  return { mails: [Math.min(count, maxItems)], nextAt: count > maxItems ? now + quarterMillis : null }
}

export const plan = (waiting: Waiting, now: number): Plan => {
  if (waiting.count === 0) return { mails: [], nextAt: null }
  if (waiting.digest === "15m") return together(waiting, waiting.oldestAt + quarterMillis, now)
  if (waiting.digest === "daily") {
    return together(waiting, LocalMorning.after(waiting.timeZone, waiting.oldestAt), now)
  }
  const mailedAt = waiting.mailedAt.filter((time) => now - time < hourMillis)
  if (mailedAt.length + waiting.count <= maxSingles) return { mails: Array(waiting.count).fill(1), nextAt: null }
  return together(waiting, Math.max(...mailedAt, Number.NEGATIVE_INFINITY) + quarterMillis, now)
}
