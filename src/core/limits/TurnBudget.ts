/**
 * How much of the work that waits is done in a turn of the event loop. Pure.
 *
 * @module
 */

/** How long a turn should take, in milliseconds. */
export const target = 2

/** The most items of a turn. */
export const maxItems = 64

/**
 * The number of items for the next turn, given the number for the last one and how long that turn took in all, in
 * milliseconds: half as many after a turn that took longer than `target`, else one more. It is never less than one.
 *
 * The whole turn counts, since much of an item's cost arises after it is done, as where answers are written.
 */
export const next = (items: number, millis: number): number =>
  millis > target ? Math.max(1, Math.floor(items / 2)) : Math.min(maxItems, items + 1)
