/**
 * What a form holds, as the submit endpoint takes it. Pure, but for the reading of the form.
 *
 * @module
 */

export interface Content {
  readonly site_id: string
  /** The fields by their names; a name that comes more than once is an array. */
  readonly form_data: Record<string, unknown>
  email?: string
  page_slug?: string
}

/** The field that no person sees; see `Honeypot`. */
export const honeypot = "hydracore_hp"

/** How long the form was shown before it was sent, in milliseconds. */
const millisField = "hydracore_ms"

/** The most fields that the endpoint takes. */
const maxFields = 50

/** What a form holds, or the names of the fields that hold a file: files cannot be sent. */
export const read = (
  entries: Iterable<[string, FormDataEntryValue]>,
  { page, site }: { readonly site: string; readonly page: string | undefined }
): Content | ReadonlyArray<string> => {
  const fields = new Map<string, Array<string>>()
  const files: Array<string> = []
  for (const [name, value] of entries) {
    if (typeof value !== "string") {
      // A file field that is left empty gives a file without a name.
      if (value.name !== "" || value.size > 0) files.push(name)
    } else if (name !== honeypot || value !== "") {
      const values = fields.get(name)
      if (values === undefined) fields.set(name, [value])
      else values.push(value)
    }
  }
  if (files.length > 0) return files
  const email = fields.get("email")?.find((value) => value !== "")
  return {
    site_id: site,
    // A field may have any name, `__proto__` too.
    form_data: Object.fromEntries(
      Array.from(fields, ([name, values]) => [name, values.length === 1 ? values[0] : values])
    ),
    ...(email === undefined ? {} : { email }),
    ...(page === undefined ? {} : { page_slug: page })
  }
}

/** The body of a request; it tells how long the form was shown if there is room for that. */
export const toBody = (content: Content, millis: number): string =>
  JSON.stringify({
    ...content,
    form_data:
      Object.keys(content.form_data).length < maxFields
        ? Object.fromEntries([...Object.entries(content.form_data), [millisField, Math.round(millis)]])
        : content.form_data
  })
