/**
 * Email addresses. Pure.
 *
 * Mail can be sent to plain addresses only: a local part of atoms and the name of a host, in ASCII. Such an address needs no quotes
 * in a header, and cannot hold a second address. Visitors may enter more: people have addresses in any script.
 *
 * @module
 */
import { Option } from "effect"

/** The maximum length of an address, in UTF-16 units (RFC 5321; RFC 3696, erratum 1690). */
const maxAddress = 254

const localPart = /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/
const label = /^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/

/** Whether a text is an address to which mail can be sent, as of recipients, senders and replies. The mailbox need not exist. */
export const isAddress = (text: string): boolean => {
  if (text.length > maxAddress) return false
  const at = text.lastIndexOf("@")
  const labels = text.slice(at + 1).split(".")
  return (
    at > 0 &&
    at <= 64 &&
    localPart.test(text.slice(0, at)) &&
    labels.length > 1 &&
    labels.every((one) => label.test(one))
  )
}

/** An address with the name that mail clients show for it, which may be empty. */
export interface Mailbox {
  readonly name: string
  readonly address: string
}

const named = /^("?)([^"<>\p{Cc}]{0,100})\1\s*<([^<>\s]+)>$/u

/** Parses `ada@example.com`, `Ada <ada@example.com>` or `"Lovelace, Ada" <ada@example.com>`. */
export const parseMailbox = (text: string): Option.Option<Mailbox> => {
  const trimmed = text.trim()
  const [, , name = "", address = ""] = named.exec(trimmed) ?? ["", "", "", trimmed]
  return isAddress(address) ? Option.some({ name: name.trim(), address }) : Option.none()
}

/** The name before the `@`: no white space, no control characters, and of the specials of RFC 5322 only the dot. */
const enteredLocal = /^[^\s\p{C}@<>()[\]\\,;:"]{1,64}$/u

const enteredLabel = /^(?!-)[\p{L}\p{M}\p{N}-]{1,63}(?<!-)$/u

/**
 * Whether a text that a visitor entered has the form of an address on the internet: a name, `@`, and a domain with a dot. White space around the
 * address is ignored, as in browsers. The address need not exist.
 */
export const isEmailAddress = (text: string): boolean => {
  const address = text.trim()
  if (address.length > maxAddress) return false
  const at = address.lastIndexOf("@")
  const labels = address.slice(at + 1).split(".")
  return (
    at > 0 &&
    enteredLocal.test(address.slice(0, at)) &&
    labels.length > 1 &&
    labels.every((part) => enteredLabel.test(part)) &&
    !/^\d+$/.test(labels.at(-1) ?? "")
  )
}
