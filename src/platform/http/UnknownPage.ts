/**
 * Answers a browser that opens an unknown address with a page instead of JSON. The API, below `/v1`, answers JSON to all clients.
 *
 * @module
 */
import { Context, Effect } from "effect"
import { HttpServerRequest, HttpServerResponse } from "effect/http"
import * as GuidePage from "./GuidePage.ts"

/** A browser that opens a page lists HTML in `Accept`; other clients accept anything, or JSON. Pure. */
export const wantsHtml = (accept: string | undefined): boolean => accept?.includes("text/html") === true

/** @param parts what the page links to */
export const middleware = (parts: GuidePage.Parts) => {
  const page = HttpServerResponse.text(GuidePage.renderUnknown(parts), {
    status: 404,
    contentType: "text/html; charset=utf-8",
    headers: { ...GuidePage.headers, "cache-control": "no-store", vary: "Accept" }
  })
  return <E, R>(
    app: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>
  ): Effect.Effect<HttpServerResponse.HttpServerResponse, E, R> =>
    Effect.withFiber((fiber) => {
      const { headers, method, url } = Context.getUnsafe(fiber.context, HttpServerRequest.HttpServerRequest)
      if ((method !== "GET" && method !== "HEAD") || url.startsWith("/v1/")) return app
      return Effect.map(app, (response) =>
        response.status !== 404
          ? response
          : wantsHtml(headers["accept"])
            ? page
            : HttpServerResponse.setHeader(response, "vary", "Accept")
      )
    })
}
