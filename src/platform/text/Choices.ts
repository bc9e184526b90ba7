/**
 * Lists of names in messages. Pure.
 *
 * @module
 */

/** `'a', 'b' or 'c'`. */
export const oneOf = (names: ReadonlyArray<string>): string => {
  const quoted = names.map((name) => `'${name}'`)
  const last = quoted.pop() ?? ""
  return quoted.length === 0 ? last : `${quoted.join(", ")} or ${last}`
}
