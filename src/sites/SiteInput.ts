/**
 * What a person may enter for a website, an instance or a credential: names and origins. Pure.
 *
 * @module
 */
import { Option } from "effect"

/** The maximum number of characters (Unicode code points) of a name. */
export const maxName = 200

/** The maximum number of origins of one website or instance. */
export const maxOrigins = 100

const isName = (text: string): boolean =>
  text !== "" &&
  text.length <= 2 * maxName &&
  [...text].length <= maxName &&
  text.isWellFormed() &&
  !text.includes("\0")

/** Parses a name, and removes white space around it. */
export const parseName = (text: string): Option.Option<string> => Option.liftPredicate(text.trim(), isName)

/** A scheme, a host without wildcards and an optional port: no credentials, path or query. */
const originPattern = /^https?:\/\/[^\s/?#@*\\]+\/?$/i

/** Parses an origin, and returns its canonical form. */
export const parseOrigin = (text: string): Option.Option<string> =>
  Option.fromNullishOr(originPattern.test(text) && text.length <= 300 ? URL.parse(text) : null).pipe(
    Option.map((url) => url.origin)
  )
