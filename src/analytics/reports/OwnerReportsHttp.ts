/**
 * `POST /v1/owner/query`.
 *
 * @module
 */
import { Effect, Result } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { OwnerApi } from "../../api/OwnerApi.ts"
import * as Failures from "../../sites/access/Failures.ts"
import * as Validation from "../../sites/access/Validation.ts"
import { OwnerSites } from "../../sites/OwnerSites.ts"
import type { InputError } from "./InputReader.ts"
import { OwnerReports } from "./OwnerReports.ts"
import * as QueryInput from "./QueryInput.ts"

/** A 422 about a query. */
export const invalid = (errors: ReadonlyArray<InputError>) =>
  Validation.failed(errors.map((error) => ({ ...error, loc: ["body", ...error.loc] })))

export const decode = (body: unknown) => Effect.fromResult(Result.mapError(QueryInput.decode(body), invalid))

export const layer = HttpApiBuilder.group(
  OwnerApi,
  "reports",
  Effect.fnUntraced(function* (handlers) {
    const ownerSites = yield* OwnerSites
    const reports = yield* OwnerReports
    return handlers.handle(
      "query",
      Effect.fnUntraced(function* ({ payload }) {
        const request = yield* decode(payload)
        const site = yield* ownerSites.authorize(request.siteId, "stats")
        return yield* reports.query(site, request)
      }, Effect.catchTags(Failures.ofQuery))
    )
  })
)
