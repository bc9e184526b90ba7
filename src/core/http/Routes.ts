/**
 * Which of the service's routes an address belongs to, in a word from a closed list: for what is counted by route, where a
 * stranger must not be able to make a new one. Pure.
 *
 * @module
 */

/** What no route is. */
export const other = "other"

const methods = new Set(["GET", "HEAD", "POST", "OPTIONS"])

/** A method that some route has, or `other`. */
export const methodOf = (method: string | undefined): string =>
  method !== undefined && methods.has(method) ? method : other

/**
 * Makes the function that gives the route of a path with or without a query: one of `templates`, or `other`. A template
 * holds at most one `:name`, which stands for one or more characters but a slash.
 */
export const make = (templates: ReadonlyArray<string>): ((url: string) => string) => {
  const exact = new Map<string, string>()
  const open: Array<{ readonly template: string; readonly before: string; readonly after: string }> = []
  for (const template of templates) {
    const [before = "", after] = template.split(/:[a-z_]+/)
    if (after === undefined) exact.set(template, template)
    else open.push({ template, before, after })
  }
  return (url) => {
    const direct = exact.get(url)
    if (direct !== undefined) return direct
    const query = url.indexOf("?")
    const path = query < 0 ? url : url.slice(0, query)
    const known = exact.get(path)
    if (known !== undefined) return known
    for (const { after, before, template } of open) {
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
