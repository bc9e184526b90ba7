/**
 * Matches leads with visits while the service runs.
 *
 * @module
 */
import { Effect, Layer } from "effect"
import * as Rounds from "../../runtime/Rounds.ts"
import { Leads } from "../../services/analytics/Leads.ts"

/** The pause between two passes: a lead is matched about a second after it and its visit are stored. */
const interval = "500 millis"

/** Runs a pass at once and then after every pause, until the scope closes. Logs the first failure of an outage. */
export const layer: Layer.Layer<never, never, Leads> = Layer.effectDiscard(
  Effect.gen(function* () {
    const { match } = yield* Leads
    yield* match.pipe(
      Rounds.recover("Could not match leads with their visits; retrying"),
      Effect.andThen(Effect.sleep(interval)),
      Effect.forever,
      Effect.forkScoped
    )
  })
)
