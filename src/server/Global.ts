/**
 * The middleware around all routes of a server.
 *
 * @module
 */
import { Layer } from "effect"
import { HttpRouter } from "effect/http"
import type { IpNetwork } from "effect/net"
import * as Cors from "../platform/http/Cors.ts"
import * as Forwarded from "../platform/http/Forwarded.ts"
import type * as GuidePage from "../platform/http/GuidePage.ts"
import * as Trace from "../platform/http/Trace.ts"
import * as UnknownPage from "../platform/http/UnknownPage.ts"
import * as Fallbacks from "./Fallbacks.ts"

export interface Options {
  /** All paths of the server. */
  readonly paths: ReadonlyArray<Fallbacks.KnownPath>
  /** What the page at an unknown path links to. */
  readonly parts: GuidePage.Parts
  /** The proxies whose `X-Forwarded-For` is trusted. */
  readonly trustedProxies: ReadonlyArray<IpNetwork.IpNetwork>
  /** Undefined if no request is traced. */
  readonly tracing: Trace.Tracing | undefined
}

/** The layer that is built first is the outermost middleware. */
export const layer = ({ parts, paths, tracing, trustedProxies }: Options) => {
  const global = { global: true } as const
  const fallbacksAndCors = Layer.provideMerge(
    Layer.provideMerge(
      HttpRouter.middleware(Fallbacks.middleware(paths), global),
      HttpRouter.middleware(UnknownPage.middleware(parts), global)
    ),
    HttpRouter.middleware(Cors.middleware, global)
  )
  const templates = paths.map(({ path }) => path)
  // Outermost, so that the logs of the other middleware belong to the span.
  const traced =
    tracing === undefined
      ? fallbacksAndCors
      : Layer.provideMerge(fallbacksAndCors, HttpRouter.middleware(Trace.middleware(tracing, templates), global))
  return trustedProxies.length === 0
    ? traced
    : Layer.provideMerge(HttpRouter.middleware(Forwarded.middleware(trustedProxies), global), traced)
}
