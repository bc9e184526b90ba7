/**
 * The day's salt, in the memory of this process.
 *
 * @module
 */
import { randomBytes } from "node:crypto"
import { Clock, Effect, Layer } from "effect"
import { dayOf } from "../../core/text/Calendar.ts"
import { VisitorSalts } from "../../services/analytics/VisitorSalts.ts"

export const layer: Layer.Layer<VisitorSalts> = Layer.sync(VisitorSalts, () => {
  let cached: { readonly day: number; readonly salt: Uint8Array } | undefined
  return {
    current: Effect.map(Clock.currentTimeMillis, (now) => {
      const day = dayOf(now)
      if (cached?.day !== day) cached = { day, salt: randomBytes(32) }
      return cached.salt
    })
  }
})
