/**
 * An endpoint that stores what it receives: a function from a request to a response, called by the router
 * (`http/endpoints/Analytics`, `http/endpoints/Forms`) and by the fast path (`http/server/FastPath`).
 *
 * @module
 */
import type { Effect } from "effect"
import type { HttpServerResponse } from "effect/http"
import type { RequestHead } from "./RequestHead.ts"
import * as SerializedResponse from "./SerializedResponse.ts"

/** The body of an `HttpServerResponse` is empty or bytes. */
export type Response = HttpServerResponse.HttpServerResponse | SerializedResponse.SerializedResponse

/** Answers a request whose whole body has been read. */
export type Endpoint = (head: RequestHead, body: Uint8Array) => Effect.Effect<Response>

/** The response in the router's form. */
export const toHttpServerResponse = (response: Response): HttpServerResponse.HttpServerResponse =>
  SerializedResponse.is(response) ? SerializedResponse.toHttpServerResponse(response) : response
