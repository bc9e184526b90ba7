/**
 * Makes the texts to look for when JSON text is searched. Pure.
 *
 * @module
 */

/**
 * The forms in which JSON strings contain the text: with characters beyond ASCII as they are, and with their `\u` escapes; with
 * slashes as they are, and with a backslash, as PHP writes them.
 */
export const needlesOf = (search: string): ReadonlyArray<string> => {
  const escaped = JSON.stringify(search).slice(1, -1)
  const ascii = escaped.replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
  return [...new Set([escaped, ascii].flatMap((form) => [form, form.replaceAll("/", "\\/")]))]
}
