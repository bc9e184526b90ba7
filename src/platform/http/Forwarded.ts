/**
 * Gives requests the address of the client that a trusted proxy names. Requests of the owner API and the console also get the host
 * and the scheme that the proxy names.
 *
 * @module
 */
import { Context, Effect, Option } from "effect"
import { HttpMiddleware, HttpServerRequest, type HttpServerResponse } from "effect/http"
import type { IpNetwork } from "effect/net"
import * as ClientAddress from "../limits/ClientAddress.ts"
import * as Incoming from "./Incoming.ts"

/** The paths of visitors' requests, which need no more than the address. */
const publicPrefix = "/v1/public/"

export const middleware = (trustedProxies: ReadonlyArray<IpNetwork.IpNetwork>) => {
  const clientAddress = ClientAddress.make(trustedProxies)
  const withAll = HttpMiddleware.xForwardedHeaders({ trustedProxies })
  return <E, R>(
    app: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>
  ): Effect.Effect<HttpServerResponse.HttpServerResponse, E, R | HttpServerRequest.HttpServerRequest> => {
    const forwarded = withAll(app)
    return Effect.withFiber((fiber) => {
      const request = Context.getUnsafe(fiber.context, HttpServerRequest.HttpServerRequest)
      if (!request.url.startsWith(publicPrefix)) return forwarded
      const peer = Incoming.clientAddress(request)
      const address = clientAddress(peer, request.headers["x-forwarded-for"])
      return address === peer
        ? app
        : Effect.updateContext(app, (context: Context.Context<R>) =>
            Context.add(
              context,
              HttpServerRequest.HttpServerRequest,
              request.modify({ remoteAddress: Option.some(address) })
            )
          )
    })
  }
}
