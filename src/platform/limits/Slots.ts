/**
 * At most some number at once, in this process: `make` refuses the others, and `makeTurns` lets them wait. A key takes memory only
 * while it has slots that are open or effects that run or wait.
 *
 * @module
 */
import { Effect, RcMap, Semaphore } from "effect"

/** At most `limit` slots may be open under `key`. */
export interface SlotLimit<Name extends string> {
  /** The name of the limit in `Full`. */
  readonly name: Name
  readonly key: string
  readonly limit: number
}

export type Opening<Name extends string> =
  /** A slot was taken under every key. `release` frees these slots; further calls have no effect. */
  | { readonly _tag: "Opened"; readonly release: () => void }
  /** No slot was taken: the limit of this name is reached. */
  | { readonly _tag: "Full"; readonly name: Name }

export interface Slots {
  readonly open: <Name extends string>(limits: ReadonlyArray<SlotLimit<Name>>) => Opening<Name>
  /** The number of keys with open slots. */
  readonly size: () => number
  /** The number of open slots of a key. */
  readonly count: (key: string) => number
}

/** Slots under several keys, each with its limit. */
export const make = (): Slots => {
  const counts = new Map<string, number>()
  const count = (key: string) => counts.get(key) ?? 0
  const add = (key: string, by: number) => {
    const next = count(key) + by
    if (next === 0) counts.delete(key)
    else counts.set(key, next)
  }
  return {
    open: (limits) => {
      const full = limits.find(({ key, limit }) => count(key) >= limit)
      if (full !== undefined) return { _tag: "Full", name: full.name }
      // `release` retains only the keys, because a slot may be open for a long time.
      const keys = limits.map(({ key }) => key)
      for (const key of keys) add(key, 1)
      let isOpen = true
      return {
        _tag: "Opened",
        release: () => {
          if (!isOpen) return
          isOpen = false
          for (const key of keys) add(key, -1)
        }
      }
    },
    size: () => counts.size,
    count
  }
}

/**
 * Makes the function that runs an effect while fewer than `limit` others with any of its keys run; further ones wait in order of
 * arrival.
 */
export const makeTurns = (limit: number) =>
  Effect.map(
    RcMap.make({ lookup: (_key: string) => Semaphore.make(limit) }),
    (turns) =>
      (keys: ReadonlyArray<string>) =>
      <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
        // In the order of the keys, so that two effects never wait for each other.
        [...new Set(keys)].sort().reduceRight(
          (next: Effect.Effect<A, E, R>, key) =>
            RcMap.get(turns, key).pipe(
              Effect.flatMap((turn) => turn.withPermits(1)(next)),
              Effect.scoped
            ),
          effect
        )
  )
