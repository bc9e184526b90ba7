/**
 * What a request says of the page that it comes from.
 *
 * @module
 */
import type { HttpServerRequest } from "effect/http"
import * as Origin from "../core/Origin.ts"

/** Whether a request may use what names these origins; see `core/Origin`. */
export const isAllowed = (request: HttpServerRequest.HttpServerRequest, origins: ReadonlyArray<string>): boolean =>
  Origin.isAllowed(origins, {
    origin: request.headers["origin"],
    secFetchSite: request.headers["sec-fetch-site"]
  })
