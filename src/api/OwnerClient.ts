/**
 * The typed client of the owner API.
 *
 * @module
 */
import type { Redacted } from "effect"
import { HttpClient, HttpClientRequest } from "effect/http"
import * as HttpApiClient from "effect/http-api/HttpApiClient"
import { OwnerApi } from "./OwnerApi.ts"

export interface Options {
  /** The origin that serves the API, such as `http://127.0.0.1:8080`. */
  readonly baseUrl: string
  /** An owner key. */
  readonly key: Redacted.Redacted
}

/** A client that authenticates with a key. A response that is not a success fails with its tagged error. */
export const make = ({ baseUrl, key }: Options) =>
  HttpApiClient.make(OwnerApi, {
    baseUrl,
    transformClient: HttpClient.mapRequest(HttpClientRequest.bearerToken(key))
  })
