/**
 * Which websites may have many page views after their stored visits. A process remembers those of which it stored many, so that no
 * round has to look at all websites.
 *
 * @module
 */
import { Context } from "effect"
import { maxUnmarkedDelay } from "./LateRows.ts"

/** If more page views than this follow the stored visits, the next visits are stored. */
export const maxTail = 1000

export interface BusySites {
  /**
   * Counts page views that were stored at `now`. Returns when one of their websites will be due, in milliseconds since 1970; null
   * if none has become busy.
   */
  readonly count: (hostedWebsiteIds: Iterable<string>, now: number) => number | null
  /** Adds websites that are due at once. */
  readonly add: (hostedWebsiteIds: Iterable<string>) => void
  /** The websites that are due. */
  readonly due: (now: number) => ReadonlyArray<string>
  /** Removes websites, because their visits were stored at `now`. Those with many page views since then are due later. */
  readonly remove: (hostedWebsiteIds: Iterable<string>, now: number) => void
}

export const make = (): BusySites => {
  const counts = new Map<string, number>()
  const dueAt = new Map<string, number>()
  /** When the latest page views of the websites in `dueAt` will be due. */
  const lastDueAt = new Map<string, number>()
  return {
    count: (ids, now) => {
      let at: number | null = null
      for (const id of ids) {
        const times = (counts.get(id) ?? 0) + 1
        counts.set(id, times)
        if (times <= maxTail) continue
        counts.delete(id)
        at = now + maxUnmarkedDelay
        lastDueAt.set(id, at)
        if (!dueAt.has(id)) dueAt.set(id, at)
      }
      return at
    },
    add: (ids) => {
      for (const id of ids) dueAt.set(id, 0)
    },
    due: (now) => [...dueAt].flatMap(([id, at]) => (at <= now ? [id] : [])),
    remove: (ids, now) => {
      for (const id of ids) {
        const last = lastDueAt.get(id)
        lastDueAt.delete(id)
        if (last === undefined || last <= now) dueAt.delete(id)
        else dueAt.set(id, last)
      }
    }
  }
}

/** By default, those of the process. */
export const BusySites = Context.Reference<BusySites>("hydracore/analytics/reports/postgres/BusySites", {
  defaultValue: make
})
