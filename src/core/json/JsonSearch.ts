/**
 * Makes the texts to look for when JSON text is searched. Pure.
 *
 * @module
 */

/** The forms in which JSON strings contain the text: with characters beyond ASCII as they are, and with their `\u` escapes. */
export const needlesOf = (search: string): ReadonlyArray<string> => {
  const escaped = JSON.stringify(search).slice(1, -1)
  const ascii = escaped.replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
  return ascii === escaped ? [escaped] : [escaped, ascii]
}
