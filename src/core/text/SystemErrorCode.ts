/**
 * The code by which the system, or Node for it, calls what went wrong with a file, a name or a socket: `EADDRINUSE`,
 * `ENOTFOUND`. Unlike a message it repeats nothing of what was asked. Pure.
 *
 * @module
 */
import { Predicate } from "effect"

/** The code of an error that has one; undefined for any other value. */
export const of = (error: unknown): string | undefined =>
  Predicate.hasProperty(error, "code") && Predicate.isString(error.code) && /^[A-Z][A-Z0-9_]{1,40}$/.test(error.code)
    ? error.code
    : undefined

/** The same in brackets, to stand behind a word; nothing for an error without one. */
export const suffix = (error: unknown): string => {
  const code = of(error)
  return code === undefined ? "" : ` (${code})`
}
