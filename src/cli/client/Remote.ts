/**
 * The client of a running service.
 *
 * @module
 */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { Effect, Layer, type Redacted } from "effect"
import { HttpClient, HttpClientRequest, type HttpClientResponse } from "effect/http"
import * as HttpApiClient from "effect/http-api/HttpApiClient"
import { OwnerApi } from "../../api/OwnerApi.ts"
import type { GroupName, RequestError } from "./Client.ts"

const withoutRedirects = Layer.succeed(NodeHttpClient.RequestInit, { redirect: "manual" })

/**
 * Makes the function that builds the client of a group of the service at `url`, which authenticates with an owner key. Follows no
 * redirect, because the body of a request may contain secrets.
 */
export const make = Effect.fnUntraced(
  function* ({ key, url }: { readonly url: string; readonly key: Redacted.Redacted }) {
    const httpClient = HttpClient.transformResponse(
      HttpClient.mapRequest(yield* HttpClient.HttpClient, HttpClientRequest.bearerToken(key)),
      (response): Effect.Effect<HttpClientResponse.HttpClientResponse, RequestError> => response
    )
    return <const Name extends GroupName>(group: Name) =>
      HttpApiClient.group(OwnerApi, { group, httpClient, baseUrl: url })
  },
  Effect.provide(Layer.provide(NodeHttpClient.layerFetch, withoutRedirects))
)
