/**
 * Masks email addresses in the texts of page views and events, which are stored without data of persons. Pure.
 *
 * Takes time linear in the length of the text: for each `@`, it reads a bounded number of characters before the `@`, and those
 * after it up to the next `@`.
 *
 * @module
 */

/** What replaces an address. */
export const masked = "(email)"

/** An `@`, also percent-encoded. */
const marks = /@|%40/g

/** 64 is the maximum length of the name before the mark (RFC 5321); a percent-encoded one may be longer. */
const maxName = 192
const notInName = /[\s/?#&=,;:<>()[\]"@]/

/** A byte of a letter outside ASCII, percent-encoded as in a browser's paths. */
const byte = "%[89A-Fa-f][\\dA-Fa-f]"
const letter = `(?:[\\p{L}\\p{M}]|${byte})`
const letterOrDigit = `(?:[\\p{L}\\p{M}\\p{N}]|${byte})`
const inLabel = `(?:[\\p{L}\\p{M}\\p{N}-]|${byte})`

/** The domain after the mark. Its last label begins with a letter, so that a version such as `1.2.3` is not a domain. */
const domain = new RegExp(`(?:${inLabel}{1,63}\\.)+${letter}${inLabel}{0,61}${letterOrDigit}`, "uy")

/** The text with each email address replaced by `masked`. */
export const mask = (text: string): string => {
  if (!text.includes("@") && !text.includes("%40")) return text
  let result = ""
  let copied = 0
  for (const { 0: mark, index } of text.matchAll(marks)) {
    if (index < copied) continue
    domain.lastIndex = index + mark.length
    if (!domain.test(text)) continue
    const first = Math.max(copied, index - maxName)
    let start = index
    while (start > first && !notInName.test(text.charAt(start - 1))) start--
    if (start === index) continue
    result += text.slice(copied, start) + masked
    copied = domain.lastIndex
  }
  return result + text.slice(copied)
}
