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
import { scopeFor } from "../../sites/access/Access.ts"
import * as Authorized from "../../sites/access/Authorized.ts"
import type { Group, GroupName, RequestError } from "./Client.ts"
import * as Failures from "./Failures.ts"

/** The same client, whose 404s have the scope that their endpoint needs. */
const withScopes = <const Name extends GroupName>(group: Name, client: Group<Name>): Group<Name> => {
  const endpoints: Readonly<Record<string, Parameters<typeof Authorized.requiredBy>[0]>> =
    OwnerApi.groups[group].endpoints
  const calls = client as Readonly<
    Record<string, (request: unknown) => Effect.Effect<unknown, { readonly _tag: string }>>
  >
  return Object.fromEntries(
    Object.entries(calls).map(([name, call]) => {
      const endpoint = endpoints[name]
      const required = endpoint && Authorized.requiredBy(endpoint)
      const scope = required && scopeFor(required.capability, required.mode)
      return [name, (request: unknown) => Effect.mapError(call(request), Failures.withScope(scope))]
    })
  ) as Group<Name>
}

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
      Effect.map(HttpApiClient.group(OwnerApi, { group, httpClient, baseUrl: url }), (client) =>
        withScopes(group, client)
      )
  },
  Effect.provide(Layer.provide(NodeHttpClient.layerFetch, withoutRedirects))
)
