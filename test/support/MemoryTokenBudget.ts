/**
 * Counts tokens in this process, for tests.
 *
 * @module
 */

import { randomUUID } from "node:crypto"
import { Clock, Effect, Layer, Option } from "effect"
import { TokenBudget } from "../../src/chat/TokenBudget.ts"
import { dayOf } from "../../src/platform/text/Calendar.ts"

/** Keeps only the current day. */
export const layer: Layer.Layer<TokenBudget> = Layer.sync(TokenBudget, () => {
  let countedDay = 0
  const used = new Map<string, number>()
  const reserved = new Map<string, { readonly instanceId: string; readonly tokens: number }>()
  const usedBy = (instanceId: string) => used.get(instanceId) ?? 0

  return TokenBudget.of({
    reserve: ({ instanceId, limit, max, min }) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        const day = dayOf(now)
        if (day > countedDay) {
          countedDay = day
          used.clear()
          reserved.clear()
        }
        const left = limit - usedBy(instanceId)
        if (left < min) return Option.none()
        const reservation = { reservationId: randomUUID(), tokens: Math.min(max, left) }
        used.set(instanceId, usedBy(instanceId) + reservation.tokens)
        reserved.set(reservation.reservationId, { instanceId, tokens: reservation.tokens })
        return Option.some(reservation)
      }),
    settle: ({ reservationId }, spent) =>
      Effect.sync(() => {
        const found = reserved.get(reservationId)
        if (found === undefined) return
        reserved.delete(reservationId)
        used.set(found.instanceId, usedBy(found.instanceId) - found.tokens + spent)
      })
  })
})
