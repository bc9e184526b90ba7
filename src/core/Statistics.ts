/**
 * What a site's owner reads about their visits. Types alone.
 *
 * @module
 */

export interface Count {
  readonly name: string
  readonly pageViews: number
}

export interface Day {
  /** `YYYY-MM-DD`, UTC. */
  readonly date: string
  readonly pageViews: number
  readonly visitors: number
}

export interface Statistics {
  readonly pageViews: number
  /**
   * Visitors, each counted once a day: the salt of a visitor's hash changes daily, so that nobody can be followed for
   * longer.
   */
  readonly visitors: number
  /** Sessions: distinct session ids; a view without one counts by its visitor. */
  readonly sessions: number
  /** One entry for each day of the period, days without visits too, oldest first. */
  readonly days: ReadonlyArray<Day>
  /** At most ten each, most visited first, ties by name. */
  readonly pages: ReadonlyArray<Count>
  readonly referrers: ReadonlyArray<Count>
  readonly devices: ReadonlyArray<Count>
}
