/**
 * `GET /metrics`, for Prometheus, on an address of its own: strangers have no business there.
 *
 * @module
 */
import { createServer } from "node:http"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { Effect, Layer } from "effect"
import { HttpRouter, HttpServerResponse } from "effect/http"
import { render, type Snapshot } from "../../core/Metrics.ts"
import * as Trace from "../middleware/Trace.ts"

/** A scrape is a head and no body. Milliseconds. */
const limits = { headersTimeout: 5_000, requestTimeout: 5_000, connectionsCheckingInterval: 1_000 }

/** Serves what `snapshot` gives whenever it is asked. */
export const layer = (listen: { readonly host: string; readonly port: number }, snapshot: Effect.Effect<Snapshot>) =>
  HttpRouter.serve(
    HttpRouter.add(
      "GET",
      "/metrics",
      Effect.map(snapshot, (measured) =>
        HttpServerResponse.text(render(measured), { contentType: "text/plain; version=0.0.4; charset=utf-8" })
      )
    ),
    { disableListenLog: true, disableLogger: true }
  ).pipe(
    Layer.provideMerge(
      NodeHttpServer.layer(() => createServer(limits), { ...listen, gracefulShutdownTimeout: "1 second" })
    ),
    Layer.provide(Trace.withoutPlatformSpans)
  )
