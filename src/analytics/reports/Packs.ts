/**
 * Divides work into parts that one statement or transaction does. Pure.
 *
 * @module
 */
import type { Array as Arr } from "effect"

/** The maximums of a pack. */
export interface Limits<A> {
  /** Of what its items weigh together, unless it has one item. */
  readonly weight: number
  readonly items: number
  /** Whether an item may be in the pack whose last item is `last`. Default: yes. */
  readonly follows?: (last: A, item: A) => boolean
}

/** Packs of successive items, as few as follow from this order. */
export const of = <A>(
  items: ReadonlyArray<A>,
  weigh: (item: A) => number,
  { follows = () => true, ...limits }: Limits<A>
): ReadonlyArray<Arr.NonEmptyReadonlyArray<A>> => {
  const packs: Array<Arr.NonEmptyArray<A>> = []
  let last: { readonly item: A; readonly weight: number } | undefined
  for (const item of items) {
    const pack = packs.at(-1)
    const weight = (last?.weight ?? 0) + weigh(item)
    const fits = pack !== undefined && pack.length < limits.items && weight <= limits.weight
    if (fits && last !== undefined && follows(last.item, item)) {
      pack.push(item)
      last = { item, weight }
    } else {
      packs.push([item])
      last = { item, weight: weigh(item) }
    }
  }
  return packs
}
