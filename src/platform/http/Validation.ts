/**
 * Answers a request that does not validate with a 422 that lists the faults of its path, headers, query and body.
 *
 * @module
 */
import { Context, Effect, type Layer, Option, Result, Schema } from "effect"
import { HttpRouter, HttpServerRequest, type HttpServerResponse } from "effect/http"
import type * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import type * as HttpApiError from "effect/http-api/HttpApiError"
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import type { ValidationError } from "../contract/Errors.ts"
import { Validation } from "../contract/Errors.ts"
import * as Fault from "../contract/Fault.ts"
import { LimitHeaders, Received } from "../contract/Received.ts"
import * as Json from "../text/Json.ts"
import * as ErrorResponses from "./ErrorResponses.ts"
import * as Incoming from "./Incoming.ts"

/** The faults of a slot of a request. */
const slotFaults = (schema: unknown, value: unknown, loc: Fault.Location): ReadonlyArray<ValidationError> => {
  if (schema === undefined) return []
  const decoded = Schema.decodeUnknownResult(schema as Schema.Codec<unknown>, Fault.options)(value)
  return Result.isSuccess(decoded) ? [] : Fault.fromIssue(decoded.failure.issue, loc)
}

/** The value of a JSON text; `undefined` for an empty body. */
const parse = (text: string): Result.Result<unknown, ValidationError> => {
  if (text === "") return Result.succeed(undefined)
  try {
    return Result.succeed(JSON.parse(text) as unknown)
  } catch {
    return Result.fail(Incoming.jsonInvalid(Json.faultOf(text)))
  }
}

/** Of a large body only the first fault is listed, because a request that gets this 422 does not count against a rate limit. */
const payloadFaults = (
  error: HttpApiError.HttpApiSchemaError,
  endpoint: HttpApiEndpoint.Top,
  text: string,
  value: unknown
): ReadonlyArray<ValidationError> =>
  text.length > Incoming.cheapBytes
    ? error.kind === "Payload"
      ? Fault.fromIssue(error.cause.issue, ["body"])
      : []
    : slotFaults(Fault.schemaOf(endpoint.payload.get("application/json")?.schemas ?? [], value), value, ["body"])

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

/** The response to a request that does not validate. */
export const answer = (
  error: HttpApiError.HttpApiSchemaError,
  endpoint: HttpApiEndpoint.Top
): Effect.Effect<
  HttpServerResponse.HttpServerResponse,
  HttpApiError.HttpApiSchemaError,
  HttpRouter.Provided | HttpServerRequest.HttpServerRequest
> =>
  Effect.withFiber((fiber) => {
    // A response that cannot be encoded is our defect, not a fault of the request.
    if (error.kind === "Body" || error.kind === "ResponseHeaders") return Effect.fail(error)
    const request = Context.getUnsafe(fiber.context, HttpServerRequest.HttpServerRequest)
    const { params } = Context.getUnsafe(fiber.context, HttpRouter.RouteContext)
    const query = Context.getUnsafe(fiber.context, HttpServerRequest.ParsedSearchParams)
    const hasBody = Option.isSome(Context.getOption(fiber.context, Received))
    return Effect.map(hasBody ? Effect.orDie(request.text) : Effect.succeed(""), (text) =>
      ErrorResponses.invalid(
        allFaults(error, endpoint, { headers: request.headers, params, query, text }).slice(0, Fault.maxFaults),
        Context.get(fiber.context, LimitHeaders)
      )
    )
  })

export const layer: Layer.Layer<Validation> = HttpApiMiddleware.layerSchemaErrorTransform(
  Validation,
  (error, { endpoint }) => answer(error, endpoint)
)
