/**
 * Counts what is open at once under several keys, each with a limit of its own. It remembers no more keys than things are
 * open. Pure: it holds numbers, and nothing else.
 *
 * @module
 */

/** At most `limit` may be open under `key`. */
export interface SlotLimit<Name extends string> {
  /** What the claim is about, for whoever is refused. */
  readonly name: Name
  readonly key: string
  readonly limit: number
}

export type Attempt<Name extends string> =
  /** One was opened under every key. `release` closes it again, once however often it is called. */
  | { readonly _tag: "Opened"; readonly release: () => void }
  /** Nothing was opened: the claim of this name is used up. */
  | { readonly _tag: "Full"; readonly name: Name }

export interface Slots {
  readonly open: <Name extends string>(claims: ReadonlyArray<SlotLimit<Name>>) => Attempt<Name>
  /** How many keys are in use. */
  readonly size: () => number
  /** How many are open under a key. */
  readonly count: (key: string) => number
}

export const make = (): Slots => {
  const counts = new Map<string, number>()
  const count = (key: string) => counts.get(key) ?? 0
  const add = (key: string, by: number) => {
    const next = count(key) + by
    if (next === 0) counts.delete(key)
    else counts.set(key, next)
  }
  return {
    open: (claims) => {
      const full = claims.find(({ key, limit }) => count(key) >= limit)
      if (full !== undefined) return { _tag: "Full", name: full.name }
      // The keys alone: of what is open for long, the rest is of no use.
      const keys = claims.map(({ key }) => key)
      for (const key of keys) add(key, 1)
      let open = true
      return {
        _tag: "Opened",
        release: () => {
          if (!open) return
          open = false
          for (const key of keys) add(key, -1)
        }
      }
    },
    size: () => counts.size,
    count
  }
}
