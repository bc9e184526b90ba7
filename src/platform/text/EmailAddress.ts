/**
 * Whether a text that a visitor entered is an email address. Pure.
 *
 * People have addresses in any script, so this accepts more addresses than `MailAddress`, which decides what the service may
 * write into the head of a mail.
 *
 * @module
 */

/** The maximum length of an address, in UTF-16 units (RFC 3696, erratum 1690). */
const maxLength = 254

/** The name before the `@`: no white space, no control characters, and of the specials of RFC 5322 only the dot. */
const local = /^[^\s\p{C}@<>()[\]\\,;:"]{1,64}$/u

const label = /^(?!-)[\p{L}\p{M}\p{N}-]{1,63}(?<!-)$/u

/**
 * Whether the text has the form of an address on the internet: a name, `@`, and a domain with a dot. White space around the
 * address is ignored, as in browsers. The address need not exist.
 */
export const isEmailAddress = (text: string): boolean => {
  const address = text.trim()
  if (address.length > maxLength) return false
  const at = address.lastIndexOf("@")
  const labels = address.slice(at + 1).split(".")
  return (
    at > 0 &&
    local.test(address.slice(0, at)) &&
    labels.length > 1 &&
    labels.every((part) => label.test(part)) &&
    !/^\d+$/.test(labels.at(-1) ?? "")
  )
}
