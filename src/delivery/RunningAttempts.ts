/**
 * The attempts that run in a process, and the webhooks that pause after a failure, for `Slots`.
 *
 * @module
 */
import * as Slots from "./Slots.ts"
import type { Receiver } from "./Webhook.ts"

export interface RunningAttempts {
  /** The slots that are free. */
  readonly freeSlots: () => Slots.FreeSlots
  /**
   * The number of running attempts of each webhook. A paused webhook counts as having at least one. Because a failing webhook
   * may have only one, no attempt begins during the pause.
   */
  readonly counts: () => ReadonlyMap<string, number>
  /** Adds an attempt. Returns a function that removes it, once. */
  readonly add: (webhook: Receiver) => () => void
  /** Pauses a webhook. Returns a function that ends this pause. */
  readonly pause: (webhookId: string) => () => void
}

/** @param onFree called with a webhook's id when one of its attempts or pauses has ended */
export const make = (onFree: (webhookId: string) => void): RunningAttempts => {
  const busy = new Map<string, Slots.Busy>()
  const pausing = new Map<string, number>()

  /** A function that runs `end` and then `onFree`, and does nothing when it is called again. */
  const ending = (webhookId: string, end: () => void) => {
    let hasEnded = false
    return () => {
      if (hasEnded) return
      hasEnded = true
      end()
      onFree(webhookId)
    }
  }

  return {
    freeSlots: () => Slots.freeSlotsOf(busy.values()),
    counts: () => {
      const counts = new Map(Array.from(busy, ([webhookId, { count }]) => [webhookId, count]))
      for (const webhookId of pausing.keys()) if (!counts.has(webhookId)) counts.set(webhookId, 1)
      return counts
    },
    add: ({ failingSince, webhookId }) => {
      busy.set(webhookId, { count: (busy.get(webhookId)?.count ?? 0) + 1, isFailing: failingSince !== null })
      return ending(webhookId, () => {
        const current = busy.get(webhookId)
        if (current === undefined || current.count === 1) busy.delete(webhookId)
        else busy.set(webhookId, { ...current, count: current.count - 1 })
      })
    },
    pause: (webhookId) => {
      pausing.set(webhookId, (pausing.get(webhookId) ?? 0) + 1)
      return ending(webhookId, () => {
        const count = pausing.get(webhookId) ?? 1
        if (count === 1) pausing.delete(webhookId)
        else pausing.set(webhookId, count - 1)
      })
    }
  }
}
