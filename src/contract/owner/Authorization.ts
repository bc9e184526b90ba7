/**
 * Declares the scope that an operation of the owner API requires, and that the caller's access is checked before the body is
 * read. `http/owner/Authorization.ts` implements the check.
 *
 * @module
 */
import { Context } from "effect"
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import * as OpenApi from "effect/http-api/OpenApi"
import type { Scope } from "../../core/sites/Scope.ts"
import type { Caller } from "./Authentication.ts"
import * as Errors from "./Errors.ts"

/** The scope that an operation requires. */
export class RequiredScope extends Context.Service<RequiredScope, Scope>()(
  "hydracore/contract/owner/Authorization/RequiredScope"
) {}

/** Annotations of an operation, with the scope that it requires, which its description names. */
export const operation = (
  scope: Scope,
  { description, ...documented }: { readonly description: string } & Parameters<typeof OpenApi.annotations>[0]
) =>
  Context.add(
    OpenApi.annotations({ ...documented, description: `${description} Scope \`${scope}\`.` }),
    RequiredScope,
    scope
  )

/**
 * Refuses callers that do not reach the website in the path, or whose scope is too small, before anything else of the request is
 * decoded.
 */
export class Authorization extends HttpApiMiddleware.Service<Authorization, { requires: Caller }>()(
  "hydracore/contract/owner/Authorization",
  { error: [Errors.NotFound, Errors.ServiceUnavailable] }
) {}
