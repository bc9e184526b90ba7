/**
 * IANA time zones, as the runtime has them. Pure.
 *
 * @module
 */
import { DateTime, Option } from "effect"

/** A name such as `UTC` or `Europe/Berlin`, not an offset such as `+01:00`. */
const namePattern = /^[a-z][a-z0-9_+-]*(\/[a-z0-9_+-]+)*$/i

/** Parses the name of a time zone, in any case. Keeps the name: the runtime's canonical name may be an older one. */
export const parse = (text: string): Option.Option<string> =>
  text.length <= 64 && namePattern.test(text) ? Option.as(DateTime.zoneMakeNamed(text), text) : Option.none()
