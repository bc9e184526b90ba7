/**
 * The endpoint that lists the problems of a website.
 *
 * @module
 */
import { Effect } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { OwnerApi } from "../api/OwnerApi.ts"
import * as Access from "../sites/access/Access.ts"
import { Caller } from "../sites/access/AuthenticationApi.ts"
import * as Authorized from "../sites/access/Authorized.ts"
import { SiteSlots } from "../sites/access/SiteSlots.ts"
import { withoutSubject } from "./Problem.ts"
import { Problems } from "./Problems.ts"

export const layer = HttpApiBuilder.group(
  OwnerApi,
  "health",
  Effect.fnUntraced(function* (handlers) {
    const problems = yield* Problems
    const { lists } = yield* SiteSlots
    return handlers.handle(
      "health",
      Effect.fnUntraced(function* () {
        const { site } = yield* Authorized.stats.read.proof
        const { access } = yield* Caller
        const found = yield* lists.run(site.websiteConfigId, problems.of([site]))
        const all = found.get(site.websiteConfigId) ?? []
        return {
          problems: Access.permits(access, "settings", "read", site.websiteConfigId) ? all : all.map(withoutSubject)
        }
      })
    )
  })
)
