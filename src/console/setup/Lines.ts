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

/** The line, from 1, of the item with this index among those that `parse` returns. */
export const lineOf = (text: string, index: number): number =>
  text.split("\n").findIndex((_, at, lines) => parse(lines.slice(0, at + 1).join("\n")).length > index) + 1

/** A host name with a dot and perhaps a port, such as `www.example.com`. An IP address is none: pages on it are rarely https. */
const hostName = /^([a-z0-9-]+\.)+[a-z][a-z0-9-]*(:\d+)?\/?$/i

/** Returns an address whose scheme is completed: a host name with a dot, and perhaps a path, is an https address. */
export const completeUrl = (text: string): string => {
  const [host = ""] = text.trim().split(/[/?#]/, 1)
  return hostName.test(host) ? `https://${text.trim()}` : text
}

/** Returns the origins. A host name alone is the origin of its https pages. */
export const parseOrigins = (text: string): ReadonlyArray<string> =>
  parse(text).map((origin) => (hostName.test(origin) ? `https://${origin}` : origin))

/** Returns the values of headers by their names. A line without a colon is a name, whose value is empty. */
export const parseHeaders = (text: string): Readonly<Record<string, string>> => {
  const headers: Record<string, string> = {}
  for (const line of text.split("\n")) {
    const [name = "", ...rest] = line.split(":")
    if (line.trim() !== "") headers[name.trim()] = rest.join(":").trim()
  }
  return headers
}
