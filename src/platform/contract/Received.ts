/**
 * A middleware that reads the body of a request. `platform/http/Body` implements it.
 *
 * @module
 */
import { Context } from "effect"
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"

/** A request without its body. */
export interface RequestHead {
  /** The path and the query. */
  readonly url: string
  /** Names are lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>
  /** The client's address: the socket's peer, or the one that a trusted proxy names. */
  readonly address: string
  /** The address of the socket's peer. */
  readonly peer: string
  /** The head's estimated size in memory, in bytes. */
  readonly headBytes: number
}

/** A request whose whole body has arrived. */
export class Received extends Context.Service<
  Received,
  {
    readonly head: RequestHead
    readonly bytes: Uint8Array
    /** The JSON as sent, without a byte order mark; the JSON of an empty text if the content type is not JSON. */
    readonly text: string
  }
>()("hydracore/platform/contract/Received") {}

/** The response headers of the rate limit against which the request was counted already. */
export const LimitHeaders = Context.Reference<Readonly<Record<string, string>>>(
  "hydracore/platform/contract/LimitHeaders",
  {
    defaultValue: () => ({})
  }
)

/**
 * Reads the body within the limits of its size, its pieces, its time and the memory of all unfinished bodies, and gives its text to
 * the endpoint as JSON: the JSON types, `text/plain` (which beacons send) and a missing header are JSON; any other type is the JSON
 * of an empty text, which no endpoint accepts.
 */
export class Body extends HttpApiMiddleware.Service<Body, { provides: Received }>()(
  "hydracore/platform/contract/Body"
) {}
