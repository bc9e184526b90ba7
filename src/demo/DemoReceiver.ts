/**
 * The receiver of the demo's webhook, on a loopback port: it stands for a program of the website's owner, and accepts every
 * event.
 *
 * @module
 */
import { createServer } from "node:http"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { Duration, Effect, Layer } from "effect"
import { HttpServer, type HttpServerError, HttpServerRequest, HttpServerResponse } from "effect/http"
import * as AddressGuard from "../platform/outward/AddressGuard.ts"
import * as OutwardClient from "../platform/outward/OutwardClient.ts"

/** The URL of the webhook. Its name is reserved for examples, so that nothing outside of the demo can have it. */
export const url = "https://crm.fjordlight.example/new-leads"

const app = Effect.map(HttpServerRequest.HttpServerRequest, ({ method }) =>
  method === "POST" ? HttpServerResponse.text("Thank you.\n") : HttpServerResponse.text("Use POST.\n", { status: 405 })
)

/** Starts the receiver on a free loopback port. It runs while the scope is open. */
const start = Effect.gen(function* () {
  const server = yield* NodeHttpServer.make(() => createServer(), {
    host: "127.0.0.1",
    port: 0,
    gracefulShutdownTimeout: Duration.zero
  })
  yield* server.serve(app)
  return `${HttpServer.formatAddress(server.address)}/new-leads`
})

/**
 * The service's client, which sends to `url` by the receiver's address on this machine. An owner could set no webhook with that
 * address.
 */
export const client = (
  allowed: ReadonlyArray<AddressGuard.AllowedHost>
): Layer.Layer<OutwardClient.OutwardClient, HttpServerError.ServeError> =>
  Layer.unwrap(
    Effect.map(start, (local) =>
      Layer.effect(
        OutwardClient.OutwardClient,
        Effect.map(OutwardClient.OutwardClient, ({ post }) => ({
          post: (websiteConfigId, target, headers, body) =>
            post(websiteConfigId, target === url ? local : target, headers, body)
        }))
      ).pipe(Layer.provide(OutwardClient.layer({ allowed: [...allowed, AddressGuard.targetOf(new URL(local))] })))
    )
  )
