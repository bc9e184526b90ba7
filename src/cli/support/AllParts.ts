/**
 * Reads a list in parts, for commands that print all of it.
 *
 * @module
 */
import { Effect } from "effect"
import type { Position } from "../../platform/text/Cursor.ts"

const partSize = 1_000

/** All items of a list. `part` returns the items after a position, at most `limit`. */
export const read = Effect.fnUntraced(function* <A, E, R>(
  part: (range: { readonly after: Position | null; readonly limit: number }) => Effect.Effect<ReadonlyArray<A>, E, R>,
  positionOf: (item: A) => Position
): Effect.fn.Return<ReadonlyArray<A>, E, R> {
  const all: Array<A> = []
  while (true) {
    const last = all.at(-1)
    const items = yield* part({ after: last === undefined ? null : positionOf(last), limit: partSize })
    all.push(...items)
    if (items.length < partSize) return all
  }
})
