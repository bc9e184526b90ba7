/**
 * The receiver of the demo's webhook, on a loopback port: it stands for a program of the website's owner, and accepts every
 * event.
 *
 * @module
 */
import { createServer } from "node:http"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { Duration, Effect, type Scope } from "effect"
import { HttpServer, type HttpServerError, HttpServerRequest, HttpServerResponse } from "effect/http"

const path = "/new-leads"

const app = Effect.map(HttpServerRequest.HttpServerRequest, ({ method, url }) =>
  url !== path
    ? HttpServerResponse.text(`There is only ${path}.\n`, { status: 404 })
    : method === "POST"
      ? HttpServerResponse.text("Thank you.\n")
      : HttpServerResponse.text("Use POST.\n", { status: 405 })
)

/** Starts the receiver on a free loopback port, and returns the URL for the webhook. It runs while the scope is open. */
export const start: Effect.Effect<{ readonly url: string }, HttpServerError.ServeError, Scope.Scope> = Effect.gen(
  function* () {
    const server = yield* NodeHttpServer.make(() => createServer(), {
      host: "127.0.0.1",
      port: 0,
      gracefulShutdownTimeout: Duration.zero
    })
    yield* server.serve(app)
    return { url: HttpServer.formatAddress(server.address) + path }
  }
)
