/**
 * An endpoint that stores what it receives: a function from a request to a response, called by the router
 * (`analytics/Http`, `forms/Http`) and by the fast path (`http/server/FastPath`).
 *
 * @module
 */
import type { Effect } from "effect"
import type { HttpServerResponse } from "effect/http"
import type { RequestHead } from "../request/RequestHead.ts"
import * as SerializedResponse from "../request/SerializedResponse.ts"

/** A response whose body is empty, bytes or a text, never a stream. */
export type Response = HttpServerResponse.HttpServerResponse | SerializedResponse.SerializedResponse

/** Answers a request. `body` is its whole body. */
export type Endpoint = (head: RequestHead, body: Uint8Array) => Effect.Effect<Response>

/** Converts a response for the router. */
export const toHttpServerResponse = (response: Response): HttpServerResponse.HttpServerResponse =>
  SerializedResponse.is(response) ? SerializedResponse.toHttpServerResponse(response) : response
