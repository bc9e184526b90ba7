/**
 * Declares that an endpoint answers what does not validate with a 422 that lists every fault. The server's part is
 * `http/middleware/Validation.ts`.
 *
 * @module
 */
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import { ValidationFailed } from "./Errors.ts"

export class Validation extends HttpApiMiddleware.Service<Validation>()("hydracore/contract/Validation", {
  error: ValidationFailed
}) {}
