import { Effect } from "effect"

const turn = Effect.promise(() => new Promise<void>((resolve) => setTimeout(resolve, 2)))

/** Waits until `check` holds, in real time whatever the clock of the test; dies with `what` after ten seconds. */
export const until = (what: string, check: () => boolean): Effect.Effect<void> =>
  Effect.suspend(() => {
    const deadline = performance.now() + 10_000
    return Effect.whileLoop({
      while: () => {
        if (check()) return false
        if (performance.now() > deadline) throw new Error(`It never came to be: ${what}`)
        return true
      },
      body: () => turn,
      step: () => {}
    })
  })
