/**
 * Maps URLs and methods to closed lists, for metrics labels: clients must not be able to create new label values. Pure.
 *
 * @module
 */

/** The label of everything that is not in a list. */
export const other = "other"

const methods = new Set(["GET", "HEAD", "POST", "OPTIONS"])

/** The method if some route has it, else `other`. */
export const methodOf = (method: string | undefined): string =>
  method !== undefined && methods.has(method) ? method : other

/**
 * Makes a function from a URL's path, with or without a query, to its template, or `other`. A template has at most one
 * `:name`, which matches one or more characters other than a slash.
 */
export const make = (templates: ReadonlyArray<string>): ((url: string) => string) => {
  const exact = new Map<string, string>()
  const withParameter: Array<{ readonly template: string; readonly before: string; readonly after: string }> = []
  for (const template of templates) {
    const [before = "", after] = template.split(/:[a-z_]+/)
    if (after === undefined) exact.set(template, template)
    else withParameter.push({ template, before, after })
  }
  return (url) => {
    const direct = exact.get(url)
    if (direct !== undefined) return direct
    const query = url.indexOf("?")
    const path = query < 0 ? url : url.slice(0, query)
    const known = exact.get(path)
    if (known !== undefined) return known
    for (const { after, before, template } of withParameter) {
      if (
        path.length > before.length + after.length &&
        path.startsWith(before) &&
        path.endsWith(after) &&
        !path.slice(before.length, path.length - after.length).includes("/")
      ) {
        return template
      }
    }
    return other
  }
}
