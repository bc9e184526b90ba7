/**
 * The form's messages to its visitor. A form replaces them with attributes such as `data-text-sent="Danke!"`.
 *
 * @module
 */
import { formMember } from "./FormMember.ts"

const english = {
  sending: "Sending…",
  sent: "Thank you. Your message has arrived.",
  check: "Please check the marked fields.",
  away: "Your message may not have arrived yet. It is kept on this page and will be sent again automatically.",
  limited: "Too many messages were sent. Please try again in {seconds} seconds.",
  failed: "Your message could not be sent. Please try again later.",
  long: "Your message is too long. Please shorten it.",
  setup: "This form does not work. Please tell the owner of this website.",
  file: "Files cannot be sent with this form."
}

export type TextName = keyof typeof english

/** Returns the form's own text with this name, or the English one, with its `{placeholders}` filled in. */
export const text = (form: HTMLFormElement, name: TextName, values: Readonly<Record<string, unknown>> = {}): string =>
  (formMember(form, "getAttribute")(`data-text-${name}`) ?? english[name]).replace(
    /\{([a-z]+)\}/g,
    (whole, key: string) => String(values[key] ?? whole)
  )
