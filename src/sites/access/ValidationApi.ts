/**
 * Declares that an endpoint of the owner API responds to an invalid request with a 422 that lists its errors, and that its
 * handler may fail with `StorageUnavailable` and `LimitReached`. `sites/access/Validation.ts` implements this.
 *
 * @module
 */
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import { ValidationFailed } from "./Errors.ts"

export class Validation extends HttpApiMiddleware.Service<Validation>()("hydracore/sites/access/ValidationApi", {
  error: ValidationFailed
}) {}
