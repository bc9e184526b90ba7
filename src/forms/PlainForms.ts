/**
 * Reads an HTML form that is sent without a script: `application/x-www-form-urlencoded`, or `multipart/form-data` without
 * files.
 *
 * @module
 */
import { MIMEType } from "node:util"
import { Effect, Option, Result } from "effect"
import type { ValidationError } from "../platform/contract/Errors.ts"
import type { RequestHead } from "../platform/contract/Received.ts"
import * as PlainForm from "./PlainForm.ts"

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
  isPlain(request) ? PlainForm.routingOf(request.url).site : undefined

const unreadable: ValidationError = {
  type: "value_error",
  loc: ["body"],
  msg: "Value error, the form cannot be read; send it as a browser does"
}

const tooMany: ValidationError = {
  type: "value_error",
  loc: ["body"],
  msg: `Value error, the form has more than ${PlainForm.maxFields} fields; send fewer`
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

type Read = Result.Result<ReadonlyArray<PlainForm.Field>, Refused>

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
  for (let parts = -1; parts <= PlainForm.maxFields; parts++) {
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
    const fields: Array<PlainForm.Field> = []
    const files = new Set<string>()
    for (const [name, value] of entries) {
      if (typeof value === "string") fields.push([name, value])
      else if (value.size === 0 && value.name === "") fields.push([name, ""])
      else files.add(name)
    }
    if (files.size === 0) return Result.succeed(fields)
    const errors = Array.from(files, noFiles).slice(0, 50)
    return Result.fail({ errors, mayNameSite: PlainForm.siteOf(fields) !== undefined })
  })

const readFields = (bytes: Uint8Array, contentType: string): Effect.Effect<Read> =>
  essenceOf(contentType) === "multipart/form-data"
    ? readMultipart(bytes, contentType)
    : Effect.succeed(Result.fromOption(PlainForm.decode(new TextDecoder().decode(bytes)), () => asTooMany))

/**
 * Reads the form of a request. `None` if the form names no website: the endpoint then responds as to any body that is not JSON.
 * Fails with the faults of the form.
 */
export const read = Effect.fnUntraced(function* (
  request: RequestHead,
  bytes: Uint8Array
): Effect.fn.Return<Option.Option<Form>, ReadonlyArray<ValidationError>> {
  const inUrl = PlainForm.routingOf(request.url)
  const fields = yield* readFields(bytes, request.headers["content-type"] ?? "")
  if (Result.isFailure(fields)) {
    const { errors, mayNameSite } = fields.failure
    return inUrl.site || mayNameSite ? yield* Effect.fail(errors) : Option.none()
  }
  const routing = PlainForm.completeRouting(inUrl, fields.success)
  if (!routing.site) return Option.none()
  const { reserved, text } = PlainForm.toSubmission(fields.success, routing)
  return Option.some({ text, reserved, next: routing.next })
})
