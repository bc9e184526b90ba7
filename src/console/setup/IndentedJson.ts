/**
 * JSON with a line for each member, for people. Pure.
 *
 * @module
 */

/** Indents JSON, unless that would change more than its white space, such as the digits of a long number. */
export const of = (json: string): string => {
  const value: unknown = JSON.parse(json)
  return JSON.stringify(value) === json ? JSON.stringify(value, null, 2) : json
}
