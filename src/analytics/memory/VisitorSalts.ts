/**
 * The salts of dates, in the memory of this process.
 *
 * @module
 */
import { randomBytes } from "node:crypto"
import { Clock, Effect, Layer } from "effect"
import * as VisitorDay from "../VisitorDay.ts"
import { VisitorSalts } from "../VisitorSalts.ts"

export const layer: Layer.Layer<VisitorSalts> = Layer.sync(VisitorSalts, () => {
  const salts = new Map<number, Uint8Array>()
  return {
    of: (day) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        for (const known of salts.keys()) if (known <= VisitorDay.lastEnded(now)) salts.delete(known)
        const salt = salts.get(day) ?? randomBytes(32)
        salts.set(day, salt)
        return salt
      })
  }
})
