/**
 * Declares that an endpoint responds to an invalid request with a 422 that lists every error. `http/middleware/Validation.ts`
 * implements it.
 *
 * @module
 */
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import { ValidationFailed } from "./Errors.ts"

export class Validation extends HttpApiMiddleware.Service<Validation>()("hydracore/contract/Validation", {
  error: ValidationFailed
}) {}
