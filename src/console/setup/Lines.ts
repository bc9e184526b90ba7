/**
 * Lists that a person types, one item per line. Pure.
 *
 * @module
 */

/** Returns the items. Commas separate items too, and empty items are left out. */
export const parse = (text: string): ReadonlyArray<string> =>
  text
    .split(/[\n,]/)
    .map((line) => line.trim())
    .filter((line) => line !== "")

/** Returns the values of headers by their names. A line without a colon is a name, whose value is empty. */
export const parseHeaders = (text: string): Readonly<Record<string, string>> => {
  const headers: Record<string, string> = {}
  for (const line of text.split("\n")) {
    const [name = "", ...rest] = line.split(":")
    if (line.trim() !== "") headers[name.trim()] = rest.join(":").trim()
  }
  return headers
}
