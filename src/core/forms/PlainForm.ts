/**
 * Brings the fields of a plain HTML form to the JSON of a submission, so that both are read by the same rules. Pure.
 *
 * @module
 */
import { Option } from "effect"
import { isReserved } from "./FormContent.ts"

/** A field of a form, in the order of the form; a name may come more than once. */
export type Field = readonly [name: string, value: string]

/** How many fields a form may have, with those that come more than once; a submission has far fewer properties. */
export const maxFields = 1_000

/**
 * Reads `application/x-www-form-urlencoded` as the URL Standard says; none if there are more than `maxFields` fields.
 *
 * Node looks for the `=` of a field to the end of the text, and so does for each field that has none; they get one here.
 */
export const decode = (text: string): Option.Option<ReadonlyArray<Field>> => {
  const pieces = text.split("&", maxFields + 1)
  if (pieces.length > maxFields) return Option.none()
  const fields = pieces.map((piece) => (piece === "" || piece.includes("=") ? piece : `${piece}=`))
  // At the beginning a question mark would be taken for the one before a query.
  return Option.some([...new URLSearchParams(`&${fields.join("&")}`)])
}

/** What the form's address says, each undefined if it is not there. */
export interface Routing {
  readonly site: string | undefined
  readonly page: string | undefined
  readonly next: string | undefined
}

const first = (fields: ReadonlyArray<Field>, name: string): string | undefined =>
  fields.find(([field, value]) => field === name && value !== "")?.[1]

/**
 * Which website, page and next page a form names: the address first, then the fields `hydracore_site` (or `site_id`),
 * `hydracore_page` and `hydracore_next`.
 */
export const completeRouting = (address: Routing, fields: ReadonlyArray<Field>): Routing => ({
  site: address.site || first(fields, "hydracore_site") || first(fields, "site_id"),
  page: address.page || first(fields, "hydracore_page"),
  next: address.next || first(fields, "hydracore_next")
})

/** What a form's address says in its query: `site`, `page` and `next`. */
export const routingOf = (url: string): Routing => {
  const mark = url.indexOf("?")
  const query = Option.getOrElse(decode(mark === -1 ? "" : url.slice(mark + 1)), () => [])
  const get = (name: string) => query.find(([field]) => field === name)?.[1]
  return { site: get("site"), page: get("page"), next: get("next") }
}

const json = (values: ReadonlyArray<string>): string =>
  values.length === 1 ? JSON.stringify(values[0]) : JSON.stringify(values)

/** The names that say which website a form belongs to: no data of the visitor's. */
const isRouting = (name: string, value: string, site: string): boolean => name === "site_id" && value === site

/**
 * The submission as JSON text and the reserved fields apart, since these do not count against the bound of a submission's
 * fields. A name that comes more than once becomes an array. The text is written by hand: a name may be `__proto__`.
 */
export const toSubmission = (
  fields: ReadonlyArray<Field>,
  { page, site = "" }: Routing
): { readonly text: string; readonly reserved: Readonly<Record<string, string>> } => {
  const data = new Map<string, Array<string>>()
  const reserved = new Map<string, string>()
  for (const [name, value] of fields) {
    if (isReserved(name)) {
      // Of two, the one that was filled in: a honeypot stays one.
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
