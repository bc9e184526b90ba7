/**
 * The content of a form as the submit endpoint expects it. Pure.
 *
 * @module
 */

export interface FormContent {
  readonly site_id: string
  /** The fields by name. The values of several fields with one name are an array. */
  readonly form_data: Record<string, unknown>
  email?: string
  page_slug?: string
}

/** The name of the hidden field that only bots fill in; see `Form`. */
export const honeypot = "hydracore_hp"

/** The field for the time between the display of the form and its submission, in milliseconds. */
const millisField = "hydracore_ms"

/** The maximum number of fields that the endpoint accepts. */
const maxFields = 50

/** Returns a form's content, or the names of its fields with files if there are any: files cannot be sent. */
export const fromEntries = (
  entries: Iterable<[string, FormDataEntryValue]>,
  { page, site }: { readonly site: string; readonly page: string | undefined }
): FormContent | ReadonlyArray<string> => {
  const fields = new Map<string, Array<string>>()
  const files: Array<string> = []
  for (const [name, value] of entries) {
    if (typeof value !== "string") {
      // The entry of an empty file field is a file without a name.
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
    // Not an assignment: a field can be named `__proto__`.
    form_data: Object.fromEntries(
      Array.from(fields, ([name, values]) => [name, values.length === 1 ? values[0] : values])
    ),
    ...(email === undefined ? {} : { email }),
    ...(page === undefined ? {} : { page_slug: page })
  }
}

/** Returns the body of a request. Adds the time since the form's display if one more field is allowed. */
export const toBody = (content: FormContent, millis: number): string =>
  JSON.stringify({
    ...content,
    form_data: Object.fromEntries([
      ...Object.entries(content.form_data),
      ...(Object.keys(content.form_data).length < maxFields ? [[millisField, Math.round(millis)]] : [])
    ])
  })
