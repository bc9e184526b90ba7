/**
 * Searches JSON text for a text. Pure.
 *
 * @module
 */

/** What to look for in JSON text: the text as it is written in a JSON string, plainly and with escapes for all but ASCII. */
export const needlesOf = (search: string): ReadonlyArray<string> => {
  const escaped = JSON.stringify(search).slice(1, -1)
  const ascii = escaped.replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
  return ascii === escaped ? [escaped] : [escaped, ascii]
}
