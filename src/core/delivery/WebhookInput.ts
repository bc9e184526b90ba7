/**
 * What a person may enter for a webhook. Pure; browsers can import it.
 *
 * @module
 */
import { Option } from "effect"

const maxUrl = 2_000

/** Completes a message that begins with "must be" or "Value error,". */
export const expectedUrl = `an address such as https://hooks.example.com/path, of at most ${maxUrl.toLocaleString("en")} characters, without a user`

/** An address in its canonical form. */
export const parseUrl = (text: string): Option.Option<string> =>
  Option.fromNullishOr(text.length <= maxUrl ? URL.parse(text.trim()) : null).pipe(
    Option.filter(
      ({ hash, password, protocol, username }) =>
        /^https?:$/.test(protocol) && username === "" && password === "" && hash === ""
    ),
    Option.map(({ href }) => href)
  )
