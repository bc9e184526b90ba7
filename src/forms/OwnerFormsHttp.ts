/**
 * The endpoints at `/v1/owner/sites/{site_id}/forms`.
 *
 * @module
 */
import { Effect } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { OwnerApi } from "../api/OwnerApi.ts"
import * as Authorized from "../sites/access/Authorized.ts"
import * as Errors from "../sites/access/Errors.ts"
import { FormDirectory } from "./FormRules.ts"

const noRules = Errors.make("NotFound", "This website has no rules for this form.")

const without = Errors.make("PreconditionFailed", "This form has no rules, so If-Match: * refuses to replace them.")

const existing = Errors.make("PreconditionFailed", "This form has rules, and If-None-Match: * keeps them.")

export const layer = HttpApiBuilder.group(
  OwnerApi,
  "forms",
  Effect.fnUntraced(function* (handlers) {
    const forms = yield* FormDirectory
    return handlers
      .handle(
        "list",
        Effect.fnUntraced(function* () {
          const { site } = yield* Authorized.settings.read.proof
          return { forms: yield* forms.list(site.websiteConfigId) }
        })
      )
      .handle(
        "put",
        Effect.fnUntraced(function* ({ headers, payload }) {
          const { site } = yield* Authorized.settings.change.proof
          const [isNew, isOld] = [headers["if-none-match"], headers["if-match"]].map((header) => header !== undefined)
          if (isNew && isOld) return yield* Effect.fail(without)
          const only = isNew ? "set" : isOld ? "replace" : undefined
          const put = yield* forms
            .put({ ...payload, websiteConfigId: site.websiteConfigId }, only)
            .pipe(Effect.catchTag("FormRefused", ({ exists }) => Effect.fail(exists ? existing : without)))
          // The website was deleted meanwhile.
          return yield* Effect.fromOption(put, () => Errors.unknownSite)
        })
      )
      .handle(
        "delete",
        Effect.fnUntraced(function* ({ query }) {
          const { site } = yield* Authorized.settings.change.proof
          if (!(yield* forms.delete(site.websiteConfigId, query.page))) return yield* Effect.fail(noRules)
        })
      )
  })
)
