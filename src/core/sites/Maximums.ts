/**
 * How many of each kind an owner can create. Databases of earlier versions may hold more: these are kept, but no more can be
 * added. Pure; browsers can import it.
 *
 * @module
 */

export interface Maximum {
  readonly max: number
  /** What is counted, in the plural. */
  readonly of: string
  /** What has so many at most. */
  readonly per: string
  /** What to do with one of them to make room for another. */
  readonly next: "delete" | "revoke" | "remove"
}

export const goals: Maximum = { max: 50, of: "goals", per: "a website", next: "delete" }

/** What a caller reads who wants to create one more. */
export const message = ({ max, next, of, per }: Maximum): string => `${per} has at most ${max} ${of}; ${next} one`

/** Sentences for the description of an operation. */
export const description = ({ max, of, per }: Maximum): string =>
  `${per.replace(/^./, (letter) => letter.toUpperCase())} has at most ${max} ${of}; 422 beyond that.`
