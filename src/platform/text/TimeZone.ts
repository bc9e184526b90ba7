/**
 * The names of the IANA time zones that the runtime knows. Pure.
 *
 * @module
 */
import { DateTime, Option } from "effect"

/** A name such as `UTC` or `Europe/Berlin`, not an offset such as `+01:00`. */
const namePattern = /^[a-z][a-z0-9_+-]*(\/[a-z0-9_+-]+)*$/i

/**
 * Parses the name of a time zone, in upper or lower case. Returns the name as it was written, because the runtime may
 * replace it with an older name of the zone.
 */
export const parse = (text: string): Option.Option<string> =>
  text.length <= 64 && namePattern.test(text) ? Option.as(DateTime.zoneMakeNamed(text), text) : Option.none()
