/**
 * Parses the forms of a UUID that the published contract accepts. Pure.
 *
 * @module
 */
import { Result } from "effect"

const hex = /^[0-9a-f]+$/i
const groupLengths = [8, 4, 4, 4, 12]

const group = (digits: string): string =>
  `${digits.slice(0, 8)}-${digits.slice(8, 12)}-${digits.slice(12, 16)}-${digits.slice(16, 20)}-${digits.slice(20)}`

const fromHyphenated = (text: string): Result.Result<string, string> => {
  const groups = text.split("-")
  if (groups.length !== 5) return Result.fail(`invalid group count: expected 5, found ${groups.length}`)
  for (const [index, digits] of groups.entries()) {
    if (digits.length !== groupLengths[index]) {
      return Result.fail(
        `invalid group length in group ${index}: expected ${groupLengths[index]}, found ${digits.length}`
      )
    }
  }
  return Result.succeed(text.toLowerCase())
}

/**
 * Parses a UUID of any version and variant to its canonical form: lower case, with hyphens. The input is 32 digits,
 * `with-hyphens`, `{with-hyphens}` or `urn:uuid:with-hyphens`. Fails with a message for the client; the message is part of the
 * contract.
 */
export const parseUuid = (input: string): Result.Result<string, string> => {
  const text =
    input.length === 45 && input.startsWith("urn:uuid:")
      ? input.slice(9)
      : input.length === 38 && input.startsWith("{") && input.endsWith("}")
        ? input.slice(1, -1)
        : input
  const stray = [...text].findIndex((character) => character !== "-" && !hex.test(character))
  if (stray !== -1) {
    return Result.fail(
      "invalid character: expected an optional prefix of `urn:uuid:` followed by [0-9a-fA-F-], " +
        `found \`${[...text][stray]}\` at ${stray + 1}`
    )
  }
  if (text.includes("-")) return fromHyphenated(text)
  if (text.length === 32 && text === input) return Result.succeed(group(text.toLowerCase()))
  return Result.fail(`invalid length: expected length 32 for simple format, found ${text.length}`)
}

/** The canonical form: lower case, with hyphens. */
export const canonical = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** Recognizes the canonical form, which nearly all clients send, faster than `parseUuid`. */
export const isCanonicalUuid = (text: string): boolean => canonical.test(text)
