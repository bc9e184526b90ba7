/**
 * What a visitor is told whose plain form was refused: by the answer's status, since its own words are for whoever made
 * the form. What these say goes below, for the website's owner. Pure.
 *
 * @module
 */

/** A fault of a request, as a 422 lists it. */
export interface ValidationError {
  readonly loc: ReadonlyArray<string | number>
  readonly msg: string
  readonly type: string
}

export interface Refusal {
  readonly status: number
  /** What `Retry-After` says, in seconds. */
  readonly retryAfterSeconds: number | undefined
  /** The answer's `detail`: a sentence, or the faults of a 422. */
  readonly detail: string | ReadonlyArray<ValidationError> | undefined
}

export interface Explanation {
  readonly title: string
  readonly text: string
  /** What is to be corrected, one field each. */
  readonly corrections: ReadonlyArray<string>
  /** For whoever made the form. */
  readonly forOwner: ReadonlyArray<string>
}

/** The most faults that are told. */
const maxFaults = 20

const notSent = "This form was not sent"

/** A time to wait, in words. */
const wait = (seconds: number | undefined): string => {
  if (seconds === undefined || !(seconds >= 0)) return "a minute"
  const whole = Math.max(1, Math.ceil(seconds))
  if (whole === 1) return "a second"
  return whole < 120 ? `${whole} seconds` : `${Math.ceil(whole / 60)} minutes`
}

/** The name of the field of the visitor's that a fault is in; undefined for what the form's maker wrote. */
const fieldOf = ({ loc: [place, member, name] }: ValidationError): string | undefined => {
  if (place !== "body") return undefined
  if (member === "email") return "email"
  return member === "form_data" && name !== undefined ? String(name) : undefined
}

const withoutPrefix = (msg: string): string => msg.replace(/^Value error, /, "")

const ofMaker = ({ loc, msg, type }: ValidationError): string =>
  // A plain form that names no website is read as a body that is no JSON.
  loc.length === 1 && (type === "model_attributes_type" || type === "missing")
    ? "The form names no website: let its action end in ?site=<website_config_id>."
    : `${loc.join(".")}: ${withoutPrefix(msg)}`

const notSetUp = (forOwner: ReadonlyArray<string>): Explanation => ({
  title: notSent,
  text: "Something is wrong with the form itself, so it cannot be sent. Please tell the owner of the website.",
  corrections: [],
  forOwner
})

const notKnown = "We do not know whether your message has arrived"

const harmless = "If it had arrived, it does no harm that it comes twice."

const plain = (title: string, text: string): Explanation => ({ title, text, corrections: [], forOwner: [] })

const invalid = (faults: ReadonlyArray<ValidationError>): Explanation => {
  const ofForm = faults.filter((fault) => fieldOf(fault) === undefined)
  return ofForm.length > 0
    ? notSetUp(ofForm.slice(0, maxFaults).map(ofMaker))
    : {
        title: notSent,
        text: "Nothing was stored. Go back, correct this, and send the form again:",
        corrections: faults.slice(0, maxFaults).map((fault) => `${fieldOf(fault)}: ${withoutPrefix(fault.msg)}`),
        forOwner: []
      }
}

/** The words for a refusal. */
export const explain = ({ detail, retryAfterSeconds, status }: Refusal): Explanation => {
  switch (status) {
    case 403:
    case 404:
      return notSetUp(typeof detail === "string" ? [detail] : [])
    case 413:
      return plain(notSent, "It is too long. Go back, shorten what you wrote, and send the form again.")
    case 422:
      return typeof detail === "object" ? invalid(detail) : notSetUp(detail === undefined ? [] : [detail])
    case 429:
      return plain(
        notSent,
        `Too many forms were sent from here. Wait ${wait(retryAfterSeconds)}, then go back, and send the form again.`
      )
    case 500:
      return plain(notKnown, `Something went wrong here. Go back, and send the form again. ${harmless}`)
    case 503:
      return plain(notKnown, `Wait ${wait(retryAfterSeconds)}, then go back, and send the form again. ${harmless}`)
    default:
      return plain(notSent, "It did not arrive whole, or something went wrong here. Go back, and send the form again.")
  }
}
