/**
 * Matches leads with visits while the service runs.
 *
 * @module
 */
import { Duration, Effect, Layer } from "effect"
import * as Rounds from "../../platform/rounds/Rounds.ts"
import * as Lead from "../Lead.ts"
import { Leads } from "../Leads.ts"

/** The time between two passes while leads may wait for their visits. */
const interval = Duration.millis(500)

/** The passes after which a lead has been dropped, if its visit was not found. */
const times = Math.ceil((Lead.maxWaitMillis + 1_000) / Duration.toMillis(interval))

/** Runs passes until the scope closes: at once, and for as long as a lead that was stored may wait. */
export const layer: Layer.Layer<never, never, Leads> = Layer.effectDiscard(
  Effect.gen(function* () {
    const { match } = yield* Leads
    yield* Rounds.start({
      kind: "leads",
      what: "match leads with their visits",
      round: Effect.map(match, ({ dropped, matched }) => (dropped + matched > 0 ? interval : null)),
      gap: interval,
      poll: { interval, times },
      startsAtOnce: true
    })
  })
)
