/**
 * If a request's path, query or headers do not validate, answers with a 422 that lists all faults of the path and the body, and
 * the first fault of the headers or else of the query. If only the body is invalid, the endpoint answers with the 422.
 *
 * @module
 */
import { Effect, type Layer, Option, Result, Schema } from "effect"
import { HttpRouter, HttpServerRequest } from "effect/http"
import type * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
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

/** All faults of the path: the router's own decoding stops at the first. */
const paramsFaults = (endpoint: HttpApiEndpoint.Top, params: unknown): ReadonlyArray<ValidationError> => {
  if (endpoint.params === undefined) return []
  const schema = endpoint.params as unknown as Schema.Codec<unknown>
  return Option.match(Result.getFailure(Schema.decodeUnknownResult(schema, { errors: "all" })(params)), {
    onNone: () => [],
    onSome: (error) => Fault.fromIssue(error.issue, ["path"])
  })
}

export const layer: Layer.Layer<Validation> = HttpApiMiddleware.layerSchemaErrorTransform(
  Validation,
  Effect.fnUntraced(function* (error, { endpoint }) {
    // A response that cannot be encoded is our defect, not a fault of the request.
    if (error.kind === "Body" || error.kind === "ResponseHeaders") return yield* Effect.fail(error)
    const request = yield* HttpServerRequest.HttpServerRequest
    const { params } = yield* HttpRouter.RouteContext
    const first = error.kind === "Params" ? [] : Fault.fromIssue(error.cause.issue, [locations[error.kind]])
    return yield* bodyFaults(endpoint, request).pipe(
      Effect.map(({ faults, isUseChat }) => {
        // Invalid JSON is reported alone, as in the original service, which parses the body before it validates.
        if (faults.some((fault) => fault.type === "json_invalid")) return ErrorResponses.invalid(faults)
        const response = ErrorResponses.invalid([...paramsFaults(endpoint, params), ...first, ...faults])
        return isUseChat ? ErrorSentence.asText(response) : response
      }),
      Effect.catchTag("BodyTooLarge", ErrorMapping.ofBytes.BodyTooLarge),
      Effect.catchTag("BodyFragmented", ErrorMapping.ofBytes.BodyFragmented),
      Effect.catchTag("BodyOverCapacity", ErrorMapping.ofBytes.BodyOverCapacity)
    )
  })
)
