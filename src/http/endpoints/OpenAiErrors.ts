/**
 * Error responses in the form of OpenAI's API, so that its clients throw their typed errors.
 *
 * @module
 */
import { Option, Schema } from "effect"
import { HttpServerResponse } from "effect/http"
import { HTTPValidationError, type ValidationError } from "../../contract/Errors.ts"
import type { OpenAiError } from "../../contract/OpenAi.ts"

type Response = HttpServerResponse.HttpServerResponse

const decode = Schema.decodeUnknownOption(
  Schema.fromJsonString(Schema.Union([Schema.Struct({ detail: Schema.String }), HTTPValidationError]))
)

const detailOf = ({ body }: Response): string | ReadonlyArray<ValidationError> =>
  body._tag === "Uint8Array"
    ? Option.match(decode(Buffer.from(body.body).toString()), { onNone: () => "", onSome: ({ detail }) => detail })
    : ""

/** Types and codes as OpenAI has them, by status. */
const kinds: Readonly<Record<number, readonly [type: string, code: string | null]>> = {
  400: ["invalid_request_error", null],
  401: ["invalid_request_error", "invalid_api_key"],
  403: ["invalid_request_error", "origin_not_allowed"],
  413: ["invalid_request_error", "request_too_large"],
  429: ["rate_limit_error", "rate_limit_exceeded"]
}

const invalidKey = "The API key is no valid widget token of this instance. Issue a new token for it."

/** The first fault of a request; OpenAI reports one. */
const ofFault = (fault: ValidationError | undefined) => {
  const path = fault?.type === "json_invalid" ? "" : (fault?.loc.slice(1).join(".") ?? "")
  const message = fault?.msg ?? "The request is not valid"
  return { message: path === "" ? message : `${path}: ${message}`, param: path === "" ? null : path }
}

/** OpenAI's clients ignore a longer `Retry-After`, in seconds, and would send the request again at once. */
const maxHeededWait = 59

const json = (status: number, body: OpenAiError, headers: Readonly<Record<string, string>>): Response =>
  HttpServerResponse.text(JSON.stringify(body), { status, contentType: "application/json", headers })

/** A response of `ErrorResponses` in OpenAI's form. A 422 becomes a 400. */
export const from = (response: Response): Response => {
  const { "content-length": _, "content-type": __, ...headers } = response.headers
  const status = response.status === 422 ? 400 : response.status
  const detail = detailOf(response)
  const fault = typeof detail === "string" ? { message: detail, param: null } : ofFault(detail[0])
  const [type, code] = kinds[status] ?? ["server_error", null]
  return json(
    status,
    { error: { message: status === 401 ? invalidKey : fault.message, type, code, param: fault.param } },
    Number(headers["retry-after"]) > maxHeededWait ? { ...headers, "x-should-retry": "false" } : headers
  )
}

/** The response with a header that keeps OpenAI's clients from sending the request again by themselves. */
export const final = (response: Response): Response => HttpServerResponse.setHeader(response, "x-should-retry", "false")
