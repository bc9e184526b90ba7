/**
 * The handlers of the operator's API. No server has them: see `Identity.ts`.
 *
 * @module
 */
import { Effect, Option } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as Errors from "../../sites/access/Errors.ts"
import * as Failures from "../../sites/access/Failures.ts"
import * as SiteHandlers from "../../sites/OwnerSitesHttp.ts"
import { SiteErasure } from "../../sites/SiteErasure.ts"
import { OperatorApi } from "./Api.ts"

/** What the handlers use. */
export type Services = SiteErasure

const noSite = Errors.make("NotFound", "There is no website with this site_id. `hydracore site list` shows them.")

export const layer = HttpApiBuilder.group(
  OperatorApi,
  "operator",
  Effect.fnUntraced(function* (handlers) {
    const erasure = yield* SiteErasure
    return handlers.handle(
      "deleteSite",
      Effect.fnUntraced(
        function* ({ params, payload }) {
          const name = yield* erasure.nameOf(params.site_id)
          if (Option.isNone(name)) return yield* Effect.fail(noSite)
          if (name.value !== payload.name) return yield* Effect.fail(SiteHandlers.wrongName)
          const erased = yield* erasure.erase(params.site_id, { withInstances: payload.with_instances })
          return SiteHandlers.erasedJson(yield* Effect.fromOption(erased, () => noSite))
        },
        Effect.catchTag("StorageUnavailable", Failures.ofStorage)
      )
    )
  })
)
