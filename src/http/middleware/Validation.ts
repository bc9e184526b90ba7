/**
 * Answers a path, query or header that does not validate with a 422 that lists every fault of the request, those of its
 * body too. (A body alone that does not validate is answered by its endpoint.)
 *
 * @module
 */
import { Effect, type Layer, Option, Result, Schema } from "effect"
import { HttpRouter, HttpServerRequest } from "effect/http"
import type * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import * as BodyReader from "../../contract/BodyReader.ts"
import type { ValidationError } from "../../contract/Errors.ts"
import { Validation } from "../../contract/Validation.ts"
import * as ValidationErrors from "../../contract/ValidationErrors.ts"
import * as Json from "../../core/json/Json.ts"
import * as ErrorMapping from "../endpoints/ErrorMapping.ts"
import * as ErrorResponses from "../endpoints/ErrorResponses.ts"
import * as RequestBody from "../server/RequestBody.ts"

const places = { Params: "path", Headers: "header", Query: "query", Payload: "body" } as const

/**
 * The faults of a request's body alone; a body that cannot be read has none that could be named. Nor has a large one:
 * what is turned away here counts against no limit, and so it must not cost much.
 */
const bodyFaults = (endpoint: HttpApiEndpoint.Top, request: HttpServerRequest.HttpServerRequest) => {
  const payload = Array.from(endpoint.payload.values()).at(0)?.schemas[0]
  if (payload === undefined) return Effect.succeed([])
  const decode = BodyReader.make(payload as unknown as Schema.Codec<unknown>)
  return RequestBody.readBytes(request).pipe(
    Effect.flatMap((bytes) =>
      bytes.length > Json.cheapBytes
        ? Effect.succeed([])
        : Effect.map(
            Effect.fromResult(RequestBody.parse(bytes, request.headers["content-type"])),
            ({ value }): ReadonlyArray<ValidationError> => Option.getOrElse(Result.getFailure(decode(value)), () => [])
          )
    ),
    Effect.catchTag("InvalidBody", (error) => Effect.succeed(error.errors)),
    Effect.catchTag("BodyUnreadable", () => Effect.succeed([]))
  )
}

/** The faults of the path, all of them: the first decode stopped at the first. */
const paramsFaults = (endpoint: HttpApiEndpoint.Top, params: unknown): ReadonlyArray<ValidationError> => {
  if (endpoint.params === undefined) return []
  const schema = endpoint.params as unknown as Schema.Codec<unknown>
  return Option.match(Result.getFailure(Schema.decodeUnknownResult(schema, { errors: "all" })(params)), {
    onNone: () => [],
    onSome: (error) => ValidationErrors.fromIssue(error.issue, ["path"])
  })
}

export const layer: Layer.Layer<Validation> = HttpApiMiddleware.layerSchemaErrorTransform(
  Validation,
  Effect.fnUntraced(function* (error, { endpoint }) {
    // What we encode wrongly is a defect of ours, not a fault of the request's.
    if (error.kind === "Body" || error.kind === "ResponseHeaders") return yield* Effect.fail(error)
    const request = yield* HttpServerRequest.HttpServerRequest
    const { params } = yield* HttpRouter.RouteContext
    const first = error.kind === "Params" ? [] : ValidationErrors.fromIssue(error.cause.issue, [places[error.kind]])
    return yield* bodyFaults(endpoint, request).pipe(
      Effect.map((ofBody) =>
        // A body that is no JSON is told alone, as the original does: nothing else was looked at yet.
        ofBody.some((fault) => fault.type === "json_invalid")
          ? ErrorResponses.invalid(ofBody)
          : ErrorResponses.invalid([...paramsFaults(endpoint, params), ...first, ...ofBody])
      ),
      Effect.catchTag("BodyTooLarge", ErrorMapping.ofBytes.BodyTooLarge),
      Effect.catchTag("BodyInPieces", ErrorMapping.ofBytes.BodyInPieces),
      Effect.catchTag("BodyCrowdedOut", ErrorMapping.ofBytes.BodyCrowdedOut)
    )
  })
)
