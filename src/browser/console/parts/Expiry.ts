/**
 * When a key, a token or a shared dashboard expires whose last day was chosen. Pure.
 *
 * @module
 */

/** The end of a day, in the browser's zone. A day that does not exist is returned as it is: the service refuses it. */
export const endOf = (day: string): string => {
  const end = new Date(`${day}T23:59:59`)
  return Number.isNaN(end.getTime()) ? day : end.toISOString()
}
