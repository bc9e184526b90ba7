/**
 * Converts the fields of a plain HTML form to the JSON of a submission, to which the same rules apply as to JSON from a script.
 * Pure.
 *
 * @module
 */
import { Option } from "effect"
import { isReserved } from "./FormContent.ts"

/** A field of a form. Names may repeat. */
export type Field = readonly [name: string, value: string]

/** The maximum number of fields, repeated names included. The contract limits the number of different names to far fewer. */
export const maxFields = 1_000

/**
 * Decodes `application/x-www-form-urlencoded` by the URL Standard; none if there are more than `maxFields` fields.
 *
 * Every field gets a `=`: for a field without one, Node searches the rest of the text, which is quadratic.
 */
export const decode = (text: string): Option.Option<ReadonlyArray<Field>> => {
  const parts = text.split("&", maxFields + 1)
  if (parts.length > maxFields) return Option.none()
  const fields = parts.map((part) => (part === "" || part.includes("=") ? part : `${part}=`))
  // The leading `&` preserves a question mark at the beginning, which `URLSearchParams` would strip.
  return Option.some([...new URLSearchParams(`&${fields.join("&")}`)])
}

/** The website, page and next page that a form names. */
export interface Routing {
  readonly site: string | undefined
  readonly page: string | undefined
  readonly next: string | undefined
}

const first = (fields: ReadonlyArray<Field>, name: string): string | undefined =>
  fields.find(([field, value]) => field === name && value !== "")?.[1]

/** The website that the fields name: `hydracore_site`, or else `site_id`. */
export const siteOf = (fields: ReadonlyArray<Field>): string | undefined =>
  first(fields, "hydracore_site") || first(fields, "site_id")

/** Completes the URL's parameters with the fields of `siteOf`, `hydracore_page` and `hydracore_next`. */
export const completeRouting = (fromUrl: Routing, fields: ReadonlyArray<Field>): Routing => ({
  site: fromUrl.site || siteOf(fields),
  page: fromUrl.page || first(fields, "hydracore_page"),
  next: fromUrl.next || first(fields, "hydracore_next")
})

/** The parameters `site`, `page` and `next` of the URL that a form is sent to. */
export const routingOf = (url: string): Routing => {
  const mark = url.indexOf("?")
  const query = Option.getOrElse(decode(mark === -1 ? "" : url.slice(mark + 1)), () => [])
  const get = (name: string) => query.find(([field]) => field === name)?.[1]
  return { site: get("site"), page: get("page"), next: get("next") }
}

const json = (values: ReadonlyArray<string>): string =>
  values.length === 1 ? JSON.stringify(values[0]) : JSON.stringify(values)

/** Whether the field names the website, and so is not the visitor's data. */
const isRouting = (name: string, value: string, site: string): boolean => name === "site_id" && value === site

/**
 * The submission as JSON text, and the reserved fields, which do not count against a submission's maximum number of
 * fields. The values of a repeated name become an array. The text is concatenated, since a name may be `__proto__`.
 */
export const toSubmission = (
  fields: ReadonlyArray<Field>,
  { page, site = "" }: Routing
): { readonly text: string; readonly reserved: Readonly<Record<string, string>> } => {
  const data = new Map<string, Array<string>>()
  const reserved = new Map<string, string>()
  for (const [name, value] of fields) {
    if (isReserved(name)) {
      // A later filled field replaces an earlier empty one, so that a filled honeypot is not hidden by an empty one.
      if ((reserved.get(name) ?? "") === "") reserved.set(name, value)
    } else if (!isRouting(name, value, site)) {
      const values = data.get(name)
      if (values === undefined) data.set(name, [value])
      else values.push(value)
    }
  }
  const email = data.get("email")?.find((value) => value !== "")
  const members = Array.from(data, ([name, values]) => `${JSON.stringify(name)}:${json(values)}`).join(",")
  return {
    text:
      `{"site_id":${JSON.stringify(site)},"form_data":{${members}}` +
      `${email === undefined ? "" : `,"email":${JSON.stringify(email)}`}` +
      `${page === undefined || page === "" ? "" : `,"page_slug":${JSON.stringify(page)}`}}`,
    reserved: Object.fromEntries(reserved)
  }
}
