import { assert } from "@effect/vitest"

/** The element of a list that must have exactly one. */
export const only = <A>([first, ...others]: ReadonlyArray<A>): A => {
  assert.lengthOf(others, 0)
  if (first === undefined) return assert.fail("the list is empty")
  return first
}
