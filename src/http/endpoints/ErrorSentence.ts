/**
 * Error responses as sentences, for clients that show the body of an error as it is.
 *
 * @module
 */
import { Option, Schema } from "effect"
import { HttpServerResponse } from "effect/http"
import { HTTPValidationError } from "../../contract/Errors.ts"

const Refusal = Schema.Struct({ detail: Schema.String })

const decode = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Union([Refusal, HTTPValidationError])))

/** Pydantic's prefix of messages that are sentences. */
const prefix = "Value error, "

const sentenceOf = (msg: string): string => {
  const text = msg.startsWith(prefix) ? msg.slice(prefix.length) : msg
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`
}

/** The sentence of a response of `ErrorResponses`: of a 422, that of its first fault. Empty for any other response. */
export const of = ({ body }: HttpServerResponse.HttpServerResponse): string => {
  if (body._tag !== "Uint8Array") return ""
  const decoded = decode(Buffer.from(body.body).toString())
  if (Option.isNone(decoded)) return ""
  const { detail } = decoded.value
  return typeof detail === "string" ? detail : sentenceOf(detail[0]?.msg ?? "")
}

/** The response with its sentence as `text/plain`, and its other headers. */
export const asText = (response: HttpServerResponse.HttpServerResponse): HttpServerResponse.HttpServerResponse => {
  const { "content-length": _, "content-type": __, ...headers } = response.headers
  return HttpServerResponse.text(of(response), { status: response.status, headers })
}
