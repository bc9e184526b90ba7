/**
 * Declares that an endpoint responds to an invalid request with a 422 that lists its errors. `platform/http/Validation.ts`
 * implements this.
 *
 * @module
 */
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import { ValidationFailed } from "./Errors.ts"

export class Validation extends HttpApiMiddleware.Service<Validation>()("hydracore/platform/contract/Validation", {
  error: ValidationFailed
}) {}
