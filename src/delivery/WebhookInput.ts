/**
 * What a person may enter for a webhook. Pure; browsers can import it.
 *
 * @module
 */
import { Option } from "effect"

const maxUrl = 2_000

/** What is expected, in words that follow "must be" or precede "is expected". */
export const expectedUrl = `an address such as https://hooks.example.com/path, of at most ${maxUrl.toLocaleString("en")} characters, without a user name, a password or a fragment`

/** The canonical form of a webhook's URL; none for a text that is not as `expectedUrl` says. */
export const parseUrl = (text: string): Option.Option<string> =>
  Option.fromNullishOr(text.length <= maxUrl ? URL.parse(text.trim()) : null).pipe(
    Option.filter(
      ({ hash, password, protocol, username }) =>
        /^https?:$/.test(protocol) && username === "" && password === "" && hash === ""
    ),
    Option.map(({ href }) => href)
  )
