/**
 * Maps URLs and methods to closed lists, for metrics labels: clients must not be able to create new label values. Pure.
 *
 * @module
 */

/** Every path of the owner API begins with it. */
export const ownerPrefix = "/v1/owner/"

/** The label of everything that is not in a list. */
export const other = "other"

const methods = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])

/** The method if a route may have it, else `other`. */
export const methodOf = (method: string | undefined): string =>
  method !== undefined && methods.has(method) ? method : other

const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&")

/**
 * Makes a function from a URL's path, with or without a query, to its template, or `other`. Each `:name` of a template
 * matches one or more characters other than a slash.
 */
export const make = (templates: ReadonlyArray<string>): ((url: string) => string) => {
  const exact = new Map<string, string>()
  const patterns: Array<{ readonly template: string; readonly pattern: RegExp }> = []
  for (const template of templates) {
    const literals = template.split(/:[a-z_]+/)
    if (literals.length === 1) exact.set(template, template)
    else patterns.push({ template, pattern: new RegExp(`^${literals.map(escaped).join("[^/]+")}$`) })
  }
  return (url) => {
    const direct = exact.get(url)
    if (direct !== undefined) return direct
    const query = url.indexOf("?")
    const path = query < 0 ? url : url.slice(0, query)
    return exact.get(path) ?? patterns.find(({ pattern }) => pattern.test(path))?.template ?? other
  }
}
