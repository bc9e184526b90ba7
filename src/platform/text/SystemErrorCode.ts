/**
 * The codes of system errors, such as `EADDRINUSE` and `ENOTFOUND`. Unlike an error's message, a code repeats no part of the
 * request, so it is safe to log. Pure.
 *
 * @module
 */
import { Predicate } from "effect"

/** Undefined for an error without a code and for any other value. */
export const of = (error: unknown): string | undefined =>
  Predicate.hasProperty(error, "code") && Predicate.isString(error.code) && /^[A-Z][A-Z0-9_]{1,40}$/.test(error.code)
    ? error.code
    : undefined

/** The code as a suffix in a message, ` (ENOENT)`, or the empty text for an error without a code. */
export const suffix = (error: unknown): string => {
  const code = of(error)
  return code === undefined ? "" : ` (${code})`
}
