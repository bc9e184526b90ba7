/**
 * Error responses as sentences, for clients that show the body of an error as it is.
 *
 * @module
 */
import { Option, Schema } from "effect"
import { HttpServerResponse } from "effect/http"
import { HTTPValidationError, type ValidationError } from "../contract/Errors.ts"

const Refusal = Schema.Struct({ detail: Schema.String })

const decode = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Union([Refusal, HTTPValidationError])))

/** Pydantic's prefix of the messages that an application writes. */
const prefix = "Value error, "

/** The sentence of a fault. */
export const ofFault = ({ msg }: Pick<ValidationError, "msg">): string => {
  const text = msg.startsWith(prefix) ? msg.slice(prefix.length) : msg
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`
}

type Response = HttpServerResponse.HttpServerResponse

/** The `detail` of a response of `ErrorResponses`: a sentence, or the faults of a 422. Empty for any other response. */
export const detailOf = ({ body }: Response): string | ReadonlyArray<ValidationError> =>
  body._tag === "Uint8Array"
    ? Option.match(decode(Buffer.from(body.body).toString()), { onNone: () => "", onSome: ({ detail }) => detail })
    : ""

/** The sentence of a response of `ErrorResponses`; for a 422, the sentence of its first fault. Empty for any other response. */
export const of = (response: Response): string => {
  const detail = detailOf(response)
  return typeof detail === "string" ? detail : ofFault(detail[0] ?? { msg: "" })
}

/** Replaces the body, its headers and, if `options` has one, the status. All other headers stay. */
export const withBody = (
  { headers, status }: Response,
  body: string,
  options: { readonly contentType: string; readonly status?: number }
): Response => {
  const { "content-length": _, "content-type": __, ...others } = headers
  return HttpServerResponse.text(body, { status, headers: others, ...options })
}

/** The response with its sentence as a `text/plain` body. All other headers stay. */
export const asText = (response: Response): Response => withBody(response, of(response), { contentType: "text/plain" })
