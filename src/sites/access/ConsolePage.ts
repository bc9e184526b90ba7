/**
 * The address of a page of the console, as a log-in names it: the fragment of its URL. Pure; browsers can import it.
 *
 * @module
 */
/** Only what the console's own addresses have: no spaces, and no characters that could end a link in a mail. */
export const pattern = "^#/[A-Za-z0-9._~%!*?=&+,:/-]*$"

export const maxLength = 500

/** The pages of links, whose secrets must not be in another address. */
const secret = /^#\/(?:link|share)\//

/** Whether a log-in may name this page. */
export const isNameable = (text: string): boolean =>
  text.length <= maxLength && new RegExp(pattern).test(text) && !secret.test(text)
