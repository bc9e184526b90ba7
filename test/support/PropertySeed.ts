/**
 * Gives every property test the run's seed, so that a run fails only because of what was changed. `vitest.config.ts` reads
 * `PROPERTY_SEED`.
 *
 * @module
 */
import { Arbitrary } from "effect"
import { beforeEach, inject } from "vitest"

declare module "vitest" {
  interface ProvidedContext {
    /** The seed of all property tests of this run. */
    propertySeed: number
  }
}

const seed = inject("propertySeed")

Arbitrary.configureGlobal({ check: { seed }, sample: { seed } })

/** Names the seed in the error of each property test of a file that fails. */
export const nameInErrors = (): void =>
  beforeEach(({ onTestFailed, task }) => {
    onTestFailed(() => {
      for (const error of task.result?.errors ?? []) {
        if (!/^Property (?:falsified|exhausted)/.test(error.message)) continue
        const hint = `\nSeed: PROPERTY_SEED=${seed} repeats this.`
        error.message += hint
        if (error.stack !== undefined) error.stack += hint
      }
    })
  })
