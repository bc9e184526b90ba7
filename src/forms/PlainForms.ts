/**
 * Reads an HTML form that is sent without a script: `application/x-www-form-urlencoded`, or `multipart/form-data` without
 * files. Answers it with a thank-you page, a redirect or an error page. The pages load nothing and run no script, and only the form's
 * origin may frame them.
 *
 * @module
 */
import { MIMEType } from "node:util"
import { Effect, Option, Result } from "effect"
import { HttpServerResponse } from "effect/http"
import type { ValidationError } from "../platform/contract/Errors.ts"
import type { RequestHead } from "../platform/contract/Received.ts"
import * as ErrorResponses from "../platform/http/ErrorResponses.ts"
import * as HtmlPages from "../platform/http/HtmlPages.ts"
import * as Origin from "../platform/http/Origin.ts"
import * as Text from "../platform/text/Text.ts"
import * as FormRefusal from "./FormRefusal.ts"
import { isReserved } from "./Submission.ts"

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
const siteNamedIn = (fields: ReadonlyArray<Field>): string | undefined =>
  first(fields, "hydracore_site") || first(fields, "site_id")

/** Completes the URL's parameters with the fields of `siteOf`, `hydracore_page` and `hydracore_next`. */
export const completeRouting = (fromUrl: Routing, fields: ReadonlyArray<Field>): Routing => ({
  site: fromUrl.site || siteNamedIn(fields),
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

export interface Form {
  /** The JSON that is equivalent to the form. */
  readonly text: string
  /** The fields `hydracore_*`. */
  readonly reserved: Readonly<Record<string, string>>
  /** The page to redirect to, as the form names it. */
  readonly next: string | undefined
}

const essenceOf = (contentType: string | undefined): string =>
  (contentType ?? "").split(";", 1)[0]!.trim().toLowerCase()

/** Whether the content type is one of plain forms. */
export const isPlain = (request: Pick<RequestHead, "headers">): boolean => {
  const essence = essenceOf(request.headers["content-type"])
  return essence === "application/x-www-form-urlencoded" || essence === "multipart/form-data"
}

/** Whether the request is a plain form whose sender accepts HTML. */
export const wantsPage = (request: Pick<RequestHead, "headers">): boolean =>
  isPlain(request) && (request.headers["accept"] ?? "").toLowerCase().includes("text/html")

/** The site id in a plain form's URL; does not read the body. */
export const siteOf = (request: RequestHead): string | undefined =>
  isPlain(request) ? routingOf(request.url).site : undefined

const unreadable: ValidationError = {
  type: "value_error",
  loc: ["body"],
  msg: "Value error, the form cannot be read; send it as a browser does"
}

const tooMany: ValidationError = {
  type: "value_error",
  loc: ["body"],
  msg: `Value error, the form has more than ${maxFields} fields; send fewer`
}

const noFiles = (name: string): ValidationError => ({
  type: "value_error",
  loc: ["body", "form_data", name],
  msg: "Value error, files are not accepted; remove the file and send the form again"
})

/** A form whose fields are not accepted. */
interface Refused {
  readonly errors: ReadonlyArray<ValidationError>
  /** Whether a field names the website, or may name it. */
  readonly mayNameSite: boolean
}

type Read = Result.Result<ReadonlyArray<Field>, Refused>

const asTooMany: Refused = { errors: [tooMany], mayNameSite: true }

const asUnreadable: Refused = { errors: [unreadable], mayNameSite: false }

/** The boundary of a content type; undefined if there is none. */
const boundaryOf = (contentType: string): string | undefined => {
  try {
    return new MIMEType(contentType).params.get("boundary") ?? undefined
  } catch {
    return undefined
  }
}

/** Whether a multipart body has more than `maxFields` parts. Checked before parsing, because each part is expensive to parse. */
const hasTooMany = (bytes: Uint8Array, boundary: string): boolean => {
  const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const delimiter = `--${boundary}`
  let offset = -delimiter.length
  // Starts at -1, because a closing delimiter follows the last part.
  for (let parts = -1; parts <= maxFields; parts++) {
    offset = body.indexOf(delimiter, offset + delimiter.length, "latin1")
    if (offset < 0) return false
  }
  return true
}

/** A content type from which every parser reads this boundary. */
const multipartOf = (boundary: string): string => {
  const type = new MIMEType("multipart/form-data")
  type.params.set("boundary", boundary)
  return String(type)
}

/** Parses a multipart body with Node's `Response.formData`. An empty file field becomes an empty text. */
const readMultipart = (bytes: Uint8Array, contentType: string): Effect.Effect<Read> =>
  Effect.promise(async (): Promise<Read> => {
    const boundary = boundaryOf(contentType)
    if (boundary === undefined) return Result.fail(asUnreadable)
    if (hasTooMany(bytes, boundary)) return Result.fail(asTooMany)
    let entries: ReadonlyArray<[string, string | File]>
    try {
      // Not with the request's content type, in which `Response` may find another boundary than the one whose parts were counted.
      const headers = { "content-type": multipartOf(boundary) }
      entries = [...(await new Response(bytes.slice(), { headers }).formData())]
    } catch {
      return Result.fail(asUnreadable)
    }
    const fields: Array<Field> = []
    const files = new Set<string>()
    for (const [name, value] of entries) {
      if (typeof value === "string") fields.push([name, value])
      else if (value.size === 0 && value.name === "") fields.push([name, ""])
      else files.add(name)
    }
    if (files.size === 0) return Result.succeed(fields)
    const errors = Array.from(files, noFiles).slice(0, 50)
    return Result.fail({ errors, mayNameSite: siteNamedIn(fields) !== undefined })
  })

const readFields = (bytes: Uint8Array, contentType: string): Effect.Effect<Read> =>
  essenceOf(contentType) === "multipart/form-data"
    ? readMultipart(bytes, contentType)
    : Effect.succeed(Result.fromOption(decode(new TextDecoder().decode(bytes)), () => asTooMany))

/**
 * Reads the form of a request. `None` if the form names no website: the endpoint then responds as to any body that is not JSON.
 * Fails with the faults of the form.
 */
export const read = Effect.fnUntraced(function* (
  request: RequestHead,
  bytes: Uint8Array
): Effect.fn.Return<Option.Option<Form>, ReadonlyArray<ValidationError>> {
  const inUrl = routingOf(request.url)
  const fields = yield* readFields(bytes, request.headers["content-type"] ?? "")
  if (Result.isFailure(fields)) {
    const { errors, mayNameSite } = fields.failure
    return inUrl.site || mayNameSite ? yield* Effect.fail(errors) : Option.none()
  }
  const routing = completeRouting(inUrl, fields.success)
  if (!routing.site) return Option.none()
  const { reserved, text } = toSubmission(fields.success, routing)
  return Option.some({ text, reserved, next: routing.next })
})

const html = (text: string, status: number, headers: Readonly<Record<string, string>>, origin: string | undefined) =>
  HtmlPages.respond(text, {
    status,
    headers,
    formAction: "'none'",
    frameAncestors: Origin.frameAncestors(origin)
  })

/** A link to `back`, or a sentence if it is null. */
const backLink = (back: string | null): string => {
  const url = back === null ? null : URL.parse(back)
  return url === null
    ? "<p>You can close this page, or go back to where you came from.</p>"
    : `<p><a href="${Text.escapeHtml(url.href)}">Back to ${Text.escapeHtml(url.host)}</a></p>`
}

/**
 * 200: the submission is stored. `back` is the URL of a page of the website, or null; `origin` is the request's `Origin` header;
 * `headers` are those of the rate limit.
 */
export const thanks = (
  submissionId: string,
  back: string | null,
  headers: Readonly<Record<string, string>>,
  origin: string | undefined
): HttpServerResponse.HttpServerResponse =>
  html(
    HtmlPages.page(
      "success",
      "Thank you",
      `<p>Your message has arrived.</p>
${backLink(back)}
<p><small>Reference: ${Text.escapeHtml(submissionId)}</small></p>`
    ),
    200,
    headers,
    origin
  )

/** 303: the submission is stored; redirects the visitor to `url`. */
export const redirect = (
  url: string,
  headers: Readonly<Record<string, string>>
): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.empty({ status: 303, headers: { ...headers, location: url, "cache-control": "no-store" } })

/** The lines of an HTML list of the corrections; none without corrections. */
const corrections = (corrections: ReadonlyArray<FormRefusal.Correction>): ReadonlyArray<string> =>
  corrections.length === 0
    ? []
    : [
        "<ul>",
        ...corrections.map(
          ({ field, text }) =>
            `<li><strong>${Text.escapeHtml(field)}</strong> <span>${Text.escapeHtml(text)}</span></li>`
        ),
        "</ul>"
      ]

/** Renders an error response as a page for the visitor, with the same status and headers. `origin` as for `thanks`. */
export const ofRefusal = (
  response: HttpServerResponse.HttpServerResponse,
  origin: string | undefined
): HttpServerResponse.HttpServerResponse => {
  const { headers, status } = response
  const retryAfter = headers["retry-after"]
  const seconds = retryAfter === undefined ? undefined : Number(retryAfter)
  const explanation = FormRefusal.explain({
    status,
    retryAfterSeconds: seconds,
    detail: ErrorResponses.detailOf(response) || undefined
  })
  const lines = [
    `<p>${Text.escapeHtml(explanation.text)}</p>`,
    ...corrections(explanation.corrections),
    ...explanation.forOwner.map((sentence) => `<p><small>For the owner: ${Text.escapeHtml(sentence)}</small></p>`)
  ]
  const { "content-length": _, "content-type": __, ...kept } = headers
  return html(HtmlPages.page("failure", explanation.title, lines.join("\n")), status, kept, origin)
}
