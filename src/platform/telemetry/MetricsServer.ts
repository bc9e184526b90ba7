/**
 * `GET /metrics` for Prometheus, on a separate address.
 *
 * @module
 */
import { createServer } from "node:http"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { Effect, Layer } from "effect"
import { HttpMiddleware, HttpRouter, HttpServerResponse } from "effect/http"
import { PrometheusMetrics } from "effect/observability"
import * as Snapshot from "./Snapshot.ts"

/** Time limits in milliseconds, for requests without a body. */
const limits = { headersTimeout: 5_000, requestTimeout: 5_000, connectionsCheckingInterval: 1_000 }

/** Prometheus's text format, version 0.0.4. */
export const render = (snapshot: Snapshot.Snapshot): string =>
  PrometheusMetrics.formatUnsafe(Snapshot.toContext(snapshot))

/** Serves `snapshot`, which runs once per request. */
export const layer = (
  listen: { readonly host: string; readonly port: number },
  snapshot: Effect.Effect<Snapshot.Snapshot>
) =>
  HttpRouter.serve(
    HttpRouter.add(
      "GET",
      "/metrics",
      Effect.map(snapshot, (taken) =>
        HttpServerResponse.text(render(taken), { contentType: "text/plain; version=0.0.4; charset=utf-8" })
      )
    ),
    { disableListenLog: true, disableLogger: true }
  ).pipe(
    Layer.provideMerge(
      NodeHttpServer.layer(() => createServer(limits), { ...listen, gracefulShutdownTimeout: "1 second" })
    ),
    Layer.provide(Layer.succeed(HttpMiddleware.TracerDisabledWhen, () => true))
  )
