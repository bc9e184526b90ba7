/**
 * Decodes percent-encoded text. Pure.
 *
 * @module
 */

/** The decoded text; undefined if a `%` does not begin the encoding of a character. */
export const decode = (text: string): string | undefined => {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
