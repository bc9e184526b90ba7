/**
 * The `Retry-After` header (RFC 9110, section 10.2.3) of an agent that is busy, in bounds. Pure.
 *
 * @module
 */

/** In seconds. `default` is the wait without a header. */
export const bounds = { min: 1, max: 120, default: 10 } as const

/**
 * The wait in seconds. The header is a number of seconds, or a date, which is compared with the response's own `Date` and so does
 * not depend on this machine's clock. Without a valid header, the wait is the default.
 */
export const seconds = (retryAfter: string | undefined, date: string | undefined): number => {
  const text = retryAfter?.trim() ?? ""
  const wait = /^\d+(\.\d+)?$/.test(text) ? Number(text) : (Date.parse(text) - Date.parse(date ?? "")) / 1000
  return Number.isNaN(wait) ? bounds.default : Math.ceil(Math.min(bounds.max, Math.max(bounds.min, wait)))
}
