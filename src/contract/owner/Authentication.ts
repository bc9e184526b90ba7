/**
 * Declares how a request to the owner API authenticates: `Authorization: Bearer` and an owner key.
 * `http/owner/Authentication.ts` implements it.
 *
 * @module
 */
import { Context } from "effect"
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import * as HttpApiSecurity from "effect/http-api/HttpApiSecurity"
import * as OpenApi from "effect/http-api/OpenApi"
import type { Access } from "../../core/sites/Access.ts"
import * as Errors from "./Errors.ts"

/** What the caller of a request may do. */
export class Caller extends Context.Service<Caller, Access>()("hydracore/contract/owner/Caller") {}

export class Authentication extends HttpApiMiddleware.Service<Authentication, { provides: Caller }>()(
  "hydracore/contract/owner/Authentication",
  {
    error: [
      ...Errors.common,
      Errors.Unauthorized,
      Errors.UnsupportedMediaType,
      Errors.TooManyRequests,
      Errors.ServiceUnavailable
    ],
    security: {
      ownerKey: HttpApiSecurity.bearer.pipe(
        HttpApiSecurity.annotate(
          OpenApi.Description,
          "A key that `hydracore key issue` printed: `hok_` and 43 characters. It reaches some or all websites, and has a scope: `stats`, `read` or `write`."
        )
      )
    }
  }
) {}
