/**
 * Counts tokens in this process, for tests and trials. Only the current day is kept.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { Clock, Effect, Layer, Option } from "effect"
import * as Tokens from "../../core/chat/agent/Tokens.ts"
import { dayOf } from "../../core/text/Calendar.ts"
import { TokenBudget } from "../../services/chat/TokenBudget.ts"

export const layer: Layer.Layer<TokenBudget> = Layer.sync(TokenBudget, () => {
  let today = 0
  const used = new Map<string, number>()
  const open = new Set<string>()

  const startDay = (day: number) => {
    if (day <= today) return
    today = day
    used.clear()
    open.clear()
  }
  const usedBy = (instanceId: string) => used.get(instanceId) ?? 0
  const now = Effect.map(Clock.currentTimeMillis, dayOf)

  return TokenBudget.of({
    reserve: ({ instanceId, limit, ...demand }) =>
      Effect.map(now, (day) => {
        startDay(day)
        const tokens = Tokens.grant(limit, usedBy(instanceId), demand)
        if (tokens === null) return Option.none()
        const reservation = { reservationId: randomUUID(), instanceId, day, tokens }
        used.set(instanceId, usedBy(instanceId) + tokens)
        open.add(reservation.reservationId)
        return Option.some(reservation)
      }),
    settle: ({ instanceId, reservationId, tokens }, spent) =>
      Effect.sync(() => {
        if (open.delete(reservationId)) used.set(instanceId, usedBy(instanceId) - tokens + spent)
      }),
    used: (instanceId) =>
      Effect.map(now, (day) => {
        startDay(day)
        return usedBy(instanceId)
      })
  })
})
