/**
 * How many of those who wait the next batch takes. Pure.
 *
 * @module
 */

/** So few are not parted: a batch of one costs a store about as much as one of these. */
export const maxUnsplit = 16

/**
 * Half of all who are about: those whose batch was answered just now, most of whom are about to ask again, and those who
 * wait.
 *
 * A store that takes one batch at a time parts its clients in two: while the ones are stored, the others come in. If a
 * batch took all who wait, the parts would stay as unequal as chance once made them, one client against all the others at
 * worst, and whoever makes the batches would have nothing to do for most of the time. So no batch is more than half: two
 * batches later the parts are equal. Where few come at a time and none comes back, all who wait are taken.
 *
 * @param previous how many the last batch held: 0 or more.
 * @param waiting how many wait: 0 or more.
 * @returns 1 to `waiting`; 0 if nobody waits.
 */
export const next = (previous: number, waiting: number): number =>
  Math.min(waiting, Math.max(maxUnsplit, Math.ceil((previous + waiting) / 2)))
