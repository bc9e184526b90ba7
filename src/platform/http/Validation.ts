/**
 * Answers a request that does not validate with a 422 that lists the faults of its path, headers, query and body.
 *
 * @module
 */
import { Context, Effect, type Layer, Option, Result, Schema } from "effect"
import { HttpRouter, HttpServerRequest } from "effect/http"
import type * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import type * as HttpApiError from "effect/http-api/HttpApiError"
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import * as BodyReader from "../../contract/BodyReader.ts"
import * as UseChat from "../../contract/chat/UseChat.ts"
import { chat } from "../../contract/chat/Widget.ts"
import type { ValidationError } from "../../contract/Errors.ts"
import { Validation } from "../../contract/Validation.ts"
import * as Json from "../../core/json/Json.ts"
import * as ErrorMapping from "../../http/request/ErrorMapping.ts"
import * as ErrorResponses from "../../http/request/ErrorResponses.ts"
import * as ErrorSentence from "../../http/request/ErrorSentence.ts"
import * as Fault from "../api/Fault.ts"
import { Received } from "../api/Received.ts"
import * as RequestBody from "./RequestBody.ts"

const locations = { Params: "path", Headers: "header", Query: "query", Payload: "body" } as const

interface BodyFaults {
  readonly faults: ReadonlyArray<ValidationError>
  /** Whether the body is `useChat`'s. Its client gets only the first fault of the request, as a sentence. */
  readonly isUseChat: boolean
}

const noFaults: BodyFaults = { faults: [], isUseChat: false }

/**
 * The faults of a request's body; none if the body is incomplete or large. A large body is not checked, because a request that
 * gets this 422 does not count against the rate limit, so it must be cheap.
 */
const bodyFaults = (endpoint: HttpApiEndpoint.Top, request: HttpServerRequest.HttpServerRequest) => {
  const payload = Array.from(endpoint.payload.values()).at(0)?.schemas[0]
  if (payload === undefined) return Effect.succeed(noFaults)
  const decode = BodyReader.make(payload as unknown as Schema.Codec<unknown>)
  return RequestBody.readBytes(request).pipe(
    Effect.flatMap((bytes) =>
      bytes.length > Json.cheapBytes
        ? Effect.succeed(noFaults)
        : Effect.map(
            Effect.fromResult(RequestBody.parse(bytes, request.headers["content-type"])),
            ({ value }): BodyFaults =>
              endpoint.path === chat.path && UseChat.isUseChat(value)
                ? { faults: [], isUseChat: true }
                : { faults: Option.getOrElse(Result.getFailure(decode(value)), () => []), isUseChat: false }
          )
    ),
    Effect.catchTag("InvalidBody", (error) => Effect.succeed({ faults: error.errors, isUseChat: false })),
    Effect.catchTag("BodyUnreadable", () => Effect.succeed(noFaults))
  )
}

/** The faults of a slot of a request. */
const slotFaults = (schema: unknown, value: unknown, loc: Fault.Location): ReadonlyArray<ValidationError> => {
  if (schema === undefined) return []
  const decoded = Schema.decodeUnknownResult(schema as Schema.Codec<unknown>, Fault.options)(value)
  return Result.isSuccess(decoded) ? [] : Fault.fromIssue(decoded.failure.issue, loc)
}

/** The maximum number of faults in a response. A list or an object in a body may have thousands. */
const maxFaults = 100

/** The value of a JSON text; `undefined` for an empty body. */
const parse = (text: string): Result.Result<unknown, ValidationError> => {
  if (text === "") return Result.succeed(undefined)
  try {
    return Result.succeed(JSON.parse(text) as unknown)
  } catch {
    return Result.fail(RequestBody.jsonInvalid(Json.faultOf(text)))
  }
}

/** Of a large body only the first fault is listed, because a request that gets this 422 does not count against a rate limit. */
const payloadFaults = (
  error: HttpApiError.HttpApiSchemaError,
  endpoint: HttpApiEndpoint.Top,
  text: string,
  value: unknown
): ReadonlyArray<ValidationError> =>
  text.length > Json.cheapBytes
    ? error.kind === "Payload"
      ? Fault.fromIssue(error.cause.issue, ["body"])
      : []
    : slotFaults(Array.from(endpoint.payload.values()).at(0)?.schemas[0], value, ["body"])

/** The faults of all slots of a request whose body has arrived. Malformed JSON is reported alone, as the original service does. */
const allFaults = (
  error: HttpApiError.HttpApiSchemaError,
  endpoint: HttpApiEndpoint.Top,
  {
    headers,
    params,
    query,
    text
  }: {
    readonly headers: unknown
    readonly params: unknown
    readonly query: unknown
    readonly text: string
  }
): ReadonlyArray<ValidationError> =>
  Result.match(parse(text), {
    onFailure: (fault) => [fault],
    onSuccess: (value) => [
      ...slotFaults(endpoint.params, params, ["path"]),
      ...payloadFaults(error, endpoint, text, value),
      ...slotFaults(endpoint.headers, headers, ["header"]),
      ...slotFaults(endpoint.query && Schema.toCodecArrayFromSingle(endpoint.query), query, ["query"])
    ]
  })

export const layer: Layer.Layer<Validation> = HttpApiMiddleware.layerSchemaErrorTransform(
  Validation,
  (error, { endpoint }) =>
    Effect.withFiber((fiber) => {
      // A response that cannot be encoded is our defect, not a fault of the request.
      if (error.kind === "Body" || error.kind === "ResponseHeaders") return Effect.fail(error)
      const request = Context.getUnsafe(fiber.context, HttpServerRequest.HttpServerRequest)
      const { params } = Context.getUnsafe(fiber.context, HttpRouter.RouteContext)
      const query = Context.getUnsafe(fiber.context, HttpServerRequest.ParsedSearchParams)
      const received = Context.getOption(fiber.context, Received)
      if (Option.isNone(received) && endpoint.payload.size > 0) {
        return ofRaw(locations[error.kind], error, endpoint, request, params)
      }
      return Effect.map(Option.isSome(received) ? Effect.orDie(request.text) : Effect.succeed(""), (text) =>
        ErrorResponses.invalid(
          allFaults(error, endpoint, { headers: request.headers, params, query, text }).slice(0, maxFaults)
        )
      )
    })
)

/** The response of an endpoint that reads its body itself. */
const ofRaw = (
  location: (typeof locations)[keyof typeof locations],
  error: HttpApiError.HttpApiSchemaError,
  endpoint: HttpApiEndpoint.Top,
  request: HttpServerRequest.HttpServerRequest,
  params: unknown
) => {
  const first = error.kind === "Params" ? [] : Fault.fromIssue(error.cause.issue, [location])
  return bodyFaults(endpoint, request).pipe(
    Effect.map(({ faults, isUseChat }) => {
      if (faults.some((fault) => fault.type === "json_invalid")) return ErrorResponses.invalid(faults)
      const response = ErrorResponses.invalid([...slotFaults(endpoint.params, params, ["path"]), ...first, ...faults])
      return isUseChat ? ErrorSentence.asText(response) : response
    }),
    Effect.catchTag("BodyTooLarge", ErrorMapping.ofBytes.BodyTooLarge),
    Effect.catchTag("BodyFragmented", ErrorMapping.ofBytes.BodyFragmented),
    Effect.catchTag("BodyOverCapacity", ErrorMapping.ofBytes.BodyOverCapacity)
  )
}
