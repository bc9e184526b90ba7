/**
 * Matches leads with visits while the service runs.
 *
 * @module
 */
import { Effect, Layer } from "effect"
import { Leads } from "../../services/analytics/Leads.ts"

/** The pause between two passes: a lead is matched within a second. */
const interval = "500 millis"

/** Runs a pass at once and then after every pause, until the scope closes. Logs the first failure of an outage. */
export const layer: Layer.Layer<never, never, Leads> = Layer.effectDiscard(
  Effect.gen(function* () {
    const { match } = yield* Leads
    let isFailing = false
    const pass = match.pipe(
      Effect.tap(() =>
        Effect.sync(() => {
          isFailing = false
        })
      ),
      Effect.catchCause((cause) => {
        const wasFailing = isFailing
        isFailing = true
        return wasFailing ? Effect.void : Effect.logWarning("Could not match leads with their visits; retrying", cause)
      })
    )
    yield* Effect.forkScoped(Effect.forever(Effect.andThen(pass, Effect.sleep(interval))))
  })
)
