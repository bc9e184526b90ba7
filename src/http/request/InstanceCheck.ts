/**
 * Admits requests that may use an instance: within the rate limit, with a valid widget token, and from an allowed origin.
 *
 * @module
 */
import { Effect, Option } from "effect"
import type { HttpServerResponse } from "effect/http"
import type { Instance } from "../../core/chat/Instance.ts"
import type { WidgetTokens } from "../../services/chat/WidgetTokens.ts"
import type { StorageUnavailable } from "../../services/Storage.ts"
import * as ErrorResponses from "./ErrorResponses.ts"
import * as OriginCheck from "./OriginCheck.ts"
import type * as RateLimitCheck from "./RateLimitCheck.ts"
import type { RequestHead } from "./RequestHead.ts"

type Response = HttpServerResponse.HttpServerResponse

export interface AdmissionRequest {
  readonly head: RequestHead
  readonly instanceId: string
  readonly token: string
}

/** Makes the function that answers an admitted request with `handle`, and refuses any other. */
export const make =
  (check: RateLimitCheck.CheckRateLimit, tokens: WidgetTokens["Service"]) =>
  <E, R>(
    { head, instanceId, token }: AdmissionRequest,
    handle: (instance: Instance, headers: RateLimitCheck.LimitHeaders) => Effect.Effect<Response, E, R>,
    onError: (error: E | StorageUnavailable, headers: RateLimitCheck.LimitHeaders) => Effect.Effect<Response>
  ): Effect.Effect<Response, never, R> =>
    check(head.address, ({ accepted, headers }) => {
      if (!accepted) return Effect.succeed(ErrorResponses.overLimit(headers))
      return Effect.flatMap(tokens.authenticate(instanceId, token), (instance): Effect.Effect<Response, E, R> => {
        if (Option.isNone(instance)) return Effect.succeed(ErrorResponses.unauthorized(headers))
        return OriginCheck.isAllowed(head, instance.value.origins)
          ? handle(instance.value, headers)
          : Effect.succeed(ErrorResponses.foreignOrigin("assistant", headers))
      }).pipe(Effect.catch((error) => onError(error, headers)))
    })
