/**
 * Counts tokens in this process, for tests and trials. Only the current day is kept.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { Clock, Effect, Layer, Option } from "effect"
import { dayOf } from "../../platform/text/Calendar.ts"
import * as Tokens from "../agent/Tokens.ts"
import { TokenBudget } from "../TokenBudget.ts"

export const layer: Layer.Layer<TokenBudget> = Layer.sync(TokenBudget, () => {
  let countedDay = 0
  const used = new Map<string, number>()
  const openReservations = new Set<string>()

  const startDay = (day: number) => {
    if (day <= countedDay) return
    countedDay = day
    used.clear()
    openReservations.clear()
  }
  const usedBy = (instanceId: string) => used.get(instanceId) ?? 0
  const today = Effect.map(Clock.currentTimeMillis, dayOf)

  return TokenBudget.of({
    reserve: ({ instanceId, limit, ...demand }) =>
      Effect.map(today, (day) => {
        startDay(day)
        const tokens = Tokens.grant(limit, usedBy(instanceId), demand)
        if (tokens === null) return Option.none()
        const reservation = { reservationId: randomUUID(), instanceId, day, tokens }
        used.set(instanceId, usedBy(instanceId) + tokens)
        openReservations.add(reservation.reservationId)
        return Option.some(reservation)
      }),
    settle: ({ instanceId, reservationId, tokens }, spent) =>
      Effect.sync(() => {
        if (openReservations.delete(reservationId)) used.set(instanceId, usedBy(instanceId) - tokens + spent)
      }),
    used: (instanceId) =>
      Effect.map(today, (day) => {
        startDay(day)
        return usedBy(instanceId)
      })
  })
})
