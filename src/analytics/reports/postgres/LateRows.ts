/**
 * Rows that are stored long after they were received.
 *
 * Visits are stored from rows that were received `maxUnmarkedDelay` ago. A row that is added to them later is marked by a trigger
 * (the migration `0041_late_rows`), and reports then compute its whole day from rows. So a long queue must not delay rows: one that
 * waited longer is stored with a later time.
 *
 * @module
 */

/** A row that is added more than this many milliseconds after it was received is marked. */
export const maxUnmarkedDelay = 5_000

/** How long a row may wait in the queue without a later time. The rest is for its statement, and for clocks that differ. */
export const maxWait = 3_000

/** A row in the queue. Times are in milliseconds since 1970. */
export interface Queued<A> {
  readonly row: A
  readonly queuedAt: number
}

/** The rows as they are stored at `now`. */
export const storedRows = <A extends { readonly receivedAt: number }>(
  queued: ReadonlyArray<Queued<A>>,
  now: number
): ReadonlyArray<A> =>
  queued.map(({ queuedAt, row }) => {
    const late = now - queuedAt - maxWait
    return late > 0 ? { ...row, receivedAt: row.receivedAt + late } : row
  })
