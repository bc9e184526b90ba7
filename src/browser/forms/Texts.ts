/**
 * What a form says to its visitor. A form may say each in its own words, with an attribute: `data-text-sent="Danke!"`.
 *
 * @module
 */
import { own } from "./FormMember.ts"

const english = {
  sending: "Sending…",
  sent: "Thank you. Your message has arrived.",
  check: "Please check the marked fields.",
  away: "We do not know yet whether your message has arrived. It is kept here and will be sent again by itself.",
  limited: "Too many messages came from here. Please send it again in {seconds} seconds.",
  failed: "Your message could not be sent. Please try again later.",
  long: "Your message is too long. Please shorten it.",
  setup: "Something is wrong with the form itself, so it cannot be sent. Please tell the owner of the website.",
  file: "Files cannot be sent with this form."
}

export type TextName = keyof typeof english

/** A text, in the form's words if it has some; `{name}` is replaced. */
export const text = (form: HTMLFormElement, name: TextName, values: Readonly<Record<string, unknown>> = {}): string =>
  (own(form, "getAttribute")(`data-text-${name}`) ?? english[name]).replace(/\{([a-z]+)\}/g, (whole, key: string) =>
    String(values[key] ?? whole)
  )
