/**
 * Decides how many waiting items the next batch takes. Pure.
 *
 * @module
 */

/** Up to this many waiting items go into one batch. Such a batch costs a store about as much as a batch of one item. */
export const maxUnsplit = 16

/**
 * The size of the next batch: half of the active clients, or `maxUnsplit` if that is more, but at most all waiting items. The
 * active clients are those of the last batch, most of which are about to send again, and those that wait now.
 *
 * A store that takes one batch at a time divides its clients into two groups: while one group's batch is stored, the other
 * group's items arrive. If a batch took all waiting items, the groups would keep the sizes that chance gave them, in the
 * worst case one client and all others, and the process would be idle most of the time. With batches of at most half of
 * the clients, the groups are equal two batches later.
 *
 * All waiting items are taken if there are at most `maxUnsplit`, or at most as many as the last batch had.
 *
 * @param previous the size of the last batch: 0 or more.
 * @param waiting the number of waiting items: 0 or more.
 * @returns 1 to `waiting`; 0 if no item waits.
 */
export const next = (previous: number, waiting: number): number =>
  Math.min(waiting, Math.max(maxUnsplit, Math.ceil((previous + waiting) / 2)))
