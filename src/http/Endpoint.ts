/**
 * What an endpoint that stores sees of a request, and what it gives: the same whether the request came through the router
 * (the groups of `http/Analytics` and `http/Forms`) or past it (`http/Direct`).
 *
 * @module
 */
import type { Effect } from "effect"
import type { HttpServerRequest, HttpServerResponse } from "effect/http"
import * as Admission from "./Admission.ts"

/** A request without its body. */
export interface Asked {
  /** The path and the query. */
  readonly url: string
  /** By lower-case names. */
  readonly headers: Readonly<Record<string, string | undefined>>
  /** The client's address: the socket's peer, or the one that a trusted proxy names. */
  readonly address: string
}

/** Answers a request whose body was read whole. The answer's body is empty or bytes. */
export type Endpoint = (asked: Asked, body: Uint8Array) => Effect.Effect<HttpServerResponse.HttpServerResponse>

/** A request that came through the router. */
export const fromRequest = (request: HttpServerRequest.HttpServerRequest): Asked => ({
  url: request.url,
  headers: request.headers,
  address: Admission.clientAddress(request)
})
