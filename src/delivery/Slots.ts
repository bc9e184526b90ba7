/**
 * How many deliveries one process attempts at a time. Pure.
 *
 * Every attempt holds a connection, for up to 15 seconds if its receiver hangs, so the number of attempts for all webhooks is
 * bounded. Half of the slots are reserved for webhooks without a running attempt. Of the other half, a webhook may hold a
 * quarter of what the other webhooks leave free: as this half fills up, each webhook may hold fewer. The webhooks that fail
 * hold at most half of the slots in total.
 *
 * @module
 */

/** The maximum number of concurrent attempts for all webhooks, and for those that fail. */
export const total = 256
export const totalFailing = 128

/** The maximum number of concurrent attempts for one webhook, and for one that fails. */
const perWebhook = 32
const perFailing = 1

/** The slots for the first attempt of each webhook. */
const reserved = total / 2

/** How much a webhook may hold of the unreserved slots that no other webhook holds. */
const share = 1 / 4

/** The maximum number of attempts for a webhook while other webhooks leave this many slots free. */
const shareOf = (free: number): number => Math.max(1, Math.floor((free - reserved) * share))

/** The running attempts of a webhook. */
export interface Busy {
  readonly count: number
  /** Whether the webhook was failing when its last attempt began. */
  readonly isFailing: boolean
}

/** What limits further attempts. */
export interface FreeSlots {
  /** The limits for one webhook, and for one that fails, including running attempts. `choose` may allow fewer. */
  readonly perHealthy: number
  readonly perFailing: number
  /** How many attempts may begin, and how many of them for webhooks that fail. */
  readonly free: number
  readonly freeForFailing: number
}

/** The slots that running attempts leave free. */
export const freeSlotsOf = (busy: Iterable<Busy>): FreeSlots => {
  let [free, freeForFailing] = [total, totalFailing]
  for (const { count, isFailing } of busy) {
    free -= count
    if (isFailing) freeForFailing -= count
  }
  return {
    perHealthy: Math.min(perWebhook, shareOf(free + perWebhook)),
    perFailing,
    free: Math.max(0, free),
    freeForFailing: Math.max(0, freeForFailing)
  }
}

/** A delivery that is due. */
export interface Due {
  readonly webhookId: string
  readonly isFailing: boolean
  /** Milliseconds since 1970. */
  readonly dueAt: number
}

const oldestFirst = (left: Due, right: Due): number => left.dueAt - right.dueAt

/**
 * The deliveries to attempt now, by rank: a delivery of rank 1 would be the only attempt of its webhook, one of rank 2 the
 * second, counting running attempts. Within a rank, those that have been due for the longest time come first.
 *
 * @param running the number of running attempts of each webhook
 */
export const choose = <A extends Due>(
  due: ReadonlyArray<A>,
  freeSlots: FreeSlots,
  running: ReadonlyMap<string, number>
): ReadonlyArray<A> => {
  const ranks = new Map(running)
  const ranked = due.toSorted(oldestFirst).map((one) => {
    const rank = (ranks.get(one.webhookId) ?? 0) + 1
    ranks.set(one.webhookId, rank)
    return { one, rank }
  })
  const chosen: Array<A> = []
  let failing = 0
  for (const { one, rank } of ranked.toSorted(
    (left, right) => left.rank - right.rank || oldestFirst(left.one, right.one)
  )) {
    const remaining = freeSlots.free - chosen.length
    const limit = one.isFailing ? freeSlots.perFailing : freeSlots.perHealthy
    if (remaining === 0 || rank > shareOf(remaining + rank - 1) || rank > limit) continue
    if (one.isFailing && ++failing > freeSlots.freeForFailing) continue
    chosen.push(one)
  }
  return chosen
}

/** The webhooks with due deliveries that were not chosen. */
export const waiting = (due: Iterable<Due>, chosen: Iterable<Due>): ReadonlySet<string> => {
  const attempted = new Set(chosen)
  return new Set(Array.from(due).flatMap((one) => (attempted.has(one) ? [] : [one.webhookId])))
}
