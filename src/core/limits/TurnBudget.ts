/**
 * Decides how many waiting items a turn of the event loop processes. Pure.
 *
 * @module
 */

/** The target duration of a turn, in milliseconds. */
export const target = 2

export const maxItems = 64

/**
 * The number of items of the next turn, given the number and the whole duration (milliseconds) of the last one: half as many
 * after a turn longer than `target`, else one more; at least one and at most `maxItems`.
 *
 * The whole turn counts, because processing an item causes further work in the same turn, such as writing responses.
 */
export const next = (items: number, millis: number): number =>
  millis > target ? Math.max(1, Math.floor(items / 2)) : Math.min(maxItems, items + 1)
