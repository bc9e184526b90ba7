/**
 * Explains to a visitor why a plain form was refused. The text depends on the status, and for a 422 also on the errors in the
 * fields. Errors of the form itself are shown separately, for the website's owner. Pure.
 *
 * @module
 */

/** An item of a 422's `detail`. The contract's `ValidationError` as a plain type, since a decision does not import the contract. */
export interface ValidationError {
  readonly loc: ReadonlyArray<string | number>
  readonly msg: string
  readonly type: string
}

export interface Refusal {
  readonly status: number
  /** The value of `Retry-After`. */
  readonly retryAfterSeconds: number | undefined
  /** The response's `detail`: a sentence, or the errors of a 422. */
  readonly detail: string | ReadonlyArray<ValidationError> | undefined
}

/** What the visitor has to correct in a field. */
export interface Correction {
  readonly field: string
  readonly text: string
}

export interface Explanation {
  readonly title: string
  readonly text: string
  /** What to correct, by field. */
  readonly corrections: ReadonlyArray<Correction>
  /** Errors of the form itself, for the website's owner. */
  readonly forOwner: ReadonlyArray<string>
}

const maxErrors = 20

const notSent = "This form was not sent"

const waitText = (seconds: number | undefined): string => {
  if (seconds === undefined || !Number.isFinite(seconds) || seconds < 0) return "a minute"
  const whole = Math.max(1, Math.ceil(seconds))
  if (whole === 1) return "a second"
  return whole < 120 ? `${whole} seconds` : `${Math.ceil(whole / 60)} minutes`
}

/** The field that the visitor has to correct; undefined if the error is in the form itself. */
const fieldOf = ({ loc: [root, member, name] }: ValidationError): string | undefined => {
  if (root !== "body") return undefined
  if (member === "email") return "email"
  return member === "form_data" && name !== undefined ? String(name) : undefined
}

const withoutPrefix = (msg: string): string => msg.replace(/^Value error, /, "")

const forOwner = ({ loc, msg, type }: ValidationError): string =>
  // These are the errors of a plain form that names no website.
  loc.length === 1 && (type === "model_attributes_type" || type === "missing")
    ? "The form names no website: let its action end in ?site=<website_config_id>."
    : `${loc.join(".")}: ${withoutPrefix(msg)}`

const brokenForm = (errors: ReadonlyArray<string>): Explanation => ({
  title: notSent,
  text: "Something is wrong with the form itself, so it cannot be sent. Please tell the owner of the website.",
  corrections: [],
  forOwner: errors
})

const notKnown = "We do not know whether your message has arrived"

const harmless = "If your message did arrive, sending it twice does no harm."

const textOnly = (title: string, text: string): Explanation => ({ title, text, corrections: [], forOwner: [] })

const invalid = (errors: ReadonlyArray<ValidationError>): Explanation => {
  const ofForm = errors.filter((error) => fieldOf(error) === undefined)
  return ofForm.length > 0
    ? brokenForm(ofForm.slice(0, maxErrors).map(forOwner))
    : {
        title: notSent,
        text: "Nothing was stored. Go back, correct this, and send the form again:",
        corrections: errors
          .slice(0, maxErrors)
          .map((error) => ({ field: fieldOf(error) ?? "", text: withoutPrefix(error.msg) })),
        forOwner: []
      }
}

export const explain = ({ detail, retryAfterSeconds, status }: Refusal): Explanation => {
  switch (status) {
    case 403:
    case 404:
      return brokenForm(typeof detail === "string" ? [detail] : [])
    case 413:
      return textOnly(notSent, "It is too long. Go back, shorten what you wrote, and send the form again.")
    case 422:
      return typeof detail === "object" ? invalid(detail) : brokenForm(detail === undefined ? [] : [detail])
    case 429:
      return textOnly(
        notSent,
        `Too many forms were sent from here. Wait ${waitText(retryAfterSeconds)}, then go back, and send the form again.`
      )
    case 500:
      return textOnly(notKnown, `Something went wrong here. Go back, and send the form again. ${harmless}`)
    case 503:
      return textOnly(
        notKnown,
        `Wait ${waitText(retryAfterSeconds)}, then go back, and send the form again. ${harmless}`
      )
    default:
      return textOnly(
        notSent,
        "The form did not arrive completely, or something went wrong here. Go back, and send the form again."
      )
  }
}
