/**
 * Email addresses: the recipients of mail, its sender, and the visitor whom a reply reaches. Pure.
 *
 * Only plain addresses are valid: a local part of atoms and the name of a host, in ASCII. Such an address needs no quotes in a
 * header, and cannot hold a second address.
 *
 * @module
 */
import { Option } from "effect"

/** The maximum length of an address (RFC 5321). */
const maxAddress = 254

const localPart = /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/
const label = /^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/

/** Whether a text is an address to which mail can be sent. The mailbox need not exist. */
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
