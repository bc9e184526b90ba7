/**
 * Brings a submission to the edge, and tells what became of it.
 *
 * @module
 */

/** A fault of the content: the field it is in, or none, and what is wrong. */
export interface Fault {
  readonly field: string | undefined
  readonly message: string
}

export type Outcome =
  | { readonly _tag: "Sent"; readonly submissionId: string | undefined }
  | { readonly _tag: "Invalid"; readonly faults: ReadonlyArray<Fault> }
  /** Too many from this address; `seconds` until one more may come. */
  | { readonly _tag: "Limited"; readonly seconds: number }
  | { readonly _tag: "Refused"; readonly status: number; readonly detail: string | undefined }
  /** The edge was not reached or could not store it now: the same may be sent again, after `seconds` if it said so. */
  | { readonly _tag: "Away"; readonly seconds: number | undefined }

/** Milliseconds after which an answer is no longer waited for. */
const patience = 30_000

/** The longest wait that is believed of the edge, and the longest that a browser guesses by itself: in milliseconds. */
const maxTold = 3_600_000
const maxGuessed = 30_000

/** The most bytes that a browser sends on when the page is left; and some to spare. */
const maxKeepalive = 60_000

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null

const parse = (text: string): Record<string, unknown> => {
  try {
    const value: unknown = JSON.parse(text)
    return isRecord(value) ? value : {}
  } catch {
    return {}
  }
}

/** Reads the `detail` of a 422. */
export const readFaults = (detail: unknown): ReadonlyArray<Fault> =>
  (Array.isArray(detail) ? detail : []).filter(isRecord).map(({ loc, msg }) => {
    const [place, first, second]: ReadonlyArray<unknown> = Array.isArray(loc) ? loc : []
    const name = place === "body" ? (first === "form_data" ? second : first === "email" ? first : undefined) : undefined
    return {
      field: typeof name === "string" ? name : undefined,
      message: (typeof msg === "string" ? msg : "").replace(/^Value error, /, "")
    }
  })

const secondsOf = (response: Response): number | undefined => {
  const seconds = Number(response.headers.get("retry-after") ?? Number.NaN)
  return seconds >= 0 ? seconds : undefined
}

/** Sends a body once. The same key tells the edge that it is the same submission. Never rejects. */
export const send = async (endpoint: string, body: string, key: string): Promise<Outcome> => {
  try {
    const response = await fetch(endpoint, {
      method: "POST",
      body,
      headers: { "content-type": "application/json", "idempotency-key": key },
      credentials: "omit",
      // Goes on if the visitor leaves at once.
      keepalive: new Blob([body]).size < maxKeepalive,
      // Without it (Chrome before 103, Safari before 16) the browser has a patience of its own.
      signal: AbortSignal.timeout?.(patience) ?? null
    })
    const { detail, submission_id } = parse(await response.text())
    if (response.ok)
      return { _tag: "Sent", submissionId: typeof submission_id === "string" ? submission_id : undefined }
    switch (response.status) {
      case 422:
        return { _tag: "Invalid", faults: readFaults(detail) }
      case 429:
        return { _tag: "Limited", seconds: Math.ceil(secondsOf(response) ?? 60) }
      case 502:
      case 503:
      case 504:
        return { _tag: "Away", seconds: secondsOf(response) }
      default:
        return { _tag: "Refused", status: response.status, detail: typeof detail === "string" ? detail : undefined }
    }
  } catch {
    return { _tag: "Away", seconds: undefined }
  }
}

/** A key that nobody else has; `crypto.randomUUID` is not there on pages without TLS. */
export const newKey = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("")

/**
 * Calls back when it is worth to try again: when the browser says that it is online again, and in any case after a while,
 * since it does not know of every fault. Gives what calls it off.
 *
 * @param attempts how many attempts have failed: the more, the longer the while, up to half a minute.
 * @param seconds how long the edge asked to be left alone: not before, and not after an hour.
 */
export const whenBack = (attempts: number, seconds: number | undefined, again: () => void): (() => void) => {
  const guessed = Math.min(1000 * 2 ** attempts, maxGuessed)
  const millis = Math.max(guessed, Math.min(1000 * (seconds ?? 0), maxTold)) * (1 + Math.random() / 4)
  const stop = () => {
    clearTimeout(timer)
    removeEventListener("online", go)
  }
  const go = () => {
    stop()
    again()
  }
  const timer = setTimeout(go, millis)
  // An edge that was reached is not away because of the visitor's network.
  if (seconds === undefined) addEventListener("online", go)
  return stop
}
