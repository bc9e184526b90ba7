/**
 * Sends a submission to the edge, and schedules retries.
 *
 * @module
 */

/** A validation error. Without a field, it concerns the form as a whole. */
export interface FieldError {
  readonly field: string | undefined
  readonly message: string
}

export type Outcome =
  | { readonly _tag: "Sent"; readonly submissionId: string | undefined }
  | { readonly _tag: "Invalid"; readonly errors: ReadonlyArray<FieldError> }
  /** Rate-limited; the next submission is accepted after `seconds`. */
  | { readonly _tag: "Limited"; readonly seconds: number }
  | { readonly _tag: "Refused"; readonly status: number; readonly detail: string | undefined }
  /** The edge is overloaded, or no response arrived. The same submission can be sent again, after `seconds` if known. */
  | { readonly _tag: "Unavailable"; readonly seconds: number | undefined }

/** The longest wait for a response, in milliseconds. */
const requestTimeout = 30_000

/** The longest delays before a retry, in milliseconds, with and without `Retry-After`. Up to a quarter is added at random. */
const maxRetryAfter = 3_600_000
const maxBackoff = 30_000

/** The maximum size of a body, in bytes, that browsers still send after the page is left: 64 KiB less a reserve. */
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

/** Parses the `detail` of a 422 response. */
export const parseErrors = (detail: unknown): ReadonlyArray<FieldError> =>
  (Array.isArray(detail) ? detail : []).filter(isRecord).map(({ loc, msg }) => {
    const [location, first, second]: ReadonlyArray<unknown> = Array.isArray(loc) ? loc : []
    const name =
      location === "body" ? (first === "form_data" ? second : first === "email" ? first : undefined) : undefined
    return {
      field: typeof name === "string" ? name : undefined,
      message: (typeof msg === "string" ? msg : "").replace(/^Value error, /, "")
    }
  })

const retryAfterOf = (response: Response): number | undefined => {
  const seconds = Number(response.headers.get("retry-after") ?? Number.NaN)
  return seconds >= 0 ? seconds : undefined
}

/** Sends a body. The edge stores submissions with the same `idempotency-key` once. Never rejects. */
export const send = async (
  endpoint: string,
  body: string,
  headers: Readonly<Record<string, string>>
): Promise<Outcome> => {
  try {
    const response = await fetch(endpoint, {
      method: "POST",
      body,
      headers: { "content-type": "application/json", ...headers },
      credentials: "omit",
      // Continues after the visitor leaves the page.
      keepalive: new Blob([body]).size < maxKeepalive,
      // Browsers without `AbortSignal.timeout` (Chrome before 103, Safari before 16) apply their own timeout.
      signal: AbortSignal.timeout?.(requestTimeout) ?? null
    })
    const { detail, submission_id } = parse(await response.text())
    if (response.ok)
      return { _tag: "Sent", submissionId: typeof submission_id === "string" ? submission_id : undefined }
    switch (response.status) {
      case 422:
        return { _tag: "Invalid", errors: parseErrors(detail) }
      case 429:
        return { _tag: "Limited", seconds: Math.ceil(retryAfterOf(response) ?? 60) }
      case 502:
      case 503:
      case 504:
        return { _tag: "Unavailable", seconds: retryAfterOf(response) }
      default:
        return { _tag: "Refused", status: response.status, detail: typeof detail === "string" ? detail : undefined }
    }
  } catch {
    return { _tag: "Unavailable", seconds: undefined }
  }
}

/** Returns a unique key. `crypto.randomUUID` requires a page with TLS. */
export const newKey = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("")

/**
 * Calls `again` once, after a delay. Without `seconds`, calls it earlier if the browser comes back online. Returns a function
 * that cancels the call.
 *
 * @param attempts the number of failed attempts; the delay doubles with each, up to `maxBackoff`
 * @param seconds the response's `Retry-After`; the delay is at least as long, up to `maxRetryAfter`
 */
export const scheduleRetry = (attempts: number, seconds: number | undefined, again: () => void): (() => void) => {
  const backoff = Math.min(1000 * 2 ** attempts, maxBackoff)
  const millis = Math.max(backoff, Math.min(1000 * (seconds ?? 0), maxRetryAfter)) * (1 + Math.random() / 4)
  const stop = () => {
    clearTimeout(timer)
    removeEventListener("online", go)
  }
  const go = () => {
    stop()
    again()
  }
  const timer = setTimeout(go, millis)
  // A response with `Retry-After` shows that the visitor's network is not the reason.
  if (seconds === undefined) addEventListener("online", go)
  return stop
}
