/**
 * The endpoints at `/v1/owner/sites/{site_id}/forms`.
 *
 * @module
 */
import { Effect, Option } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { OwnerApi } from "../api/OwnerApi.ts"
import * as Authorized from "../sites/access/Authorized.ts"
import * as Errors from "../sites/access/Errors.ts"
import { FormDirectory } from "./FormRules.ts"

const changedMeanwhile = Errors.invalid(
  "page",
  "the form's rules were changed at the same time; read them, and send the request again"
)

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
          const form = { ...payload, websiteConfigId: site.websiteConfigId }
          const isNew = headers["if-none-match"] !== undefined
          if (!isNew || headers["if-match"] !== undefined) {
            const updated = isNew ? Option.none() : yield* forms.update(form)
            if (Option.isSome(updated)) return updated.value
            if (headers["if-match"] !== undefined) return yield* Effect.fail(without)
          }
          const created = yield* forms
            .create(form)
            .pipe(Effect.catchTag("FormExists", () => Effect.fail(isNew ? existing : changedMeanwhile)))
          // The website was deleted meanwhile.
          return yield* Effect.fromOption(created, () => Errors.unknownSite)
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
