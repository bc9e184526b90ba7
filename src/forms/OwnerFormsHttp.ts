/**
 * The endpoints at `/v1/owner/sites/{site_id}/forms`.
 *
 * @module
 */
import { Effect } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { OwnerApi } from "../api/OwnerApi.ts"
import * as Calendar from "../platform/text/Calendar.ts"
import * as Failures from "../sites/access/Failures.ts"
import * as Validation from "../sites/access/Validation.ts"
import { OwnerSites } from "../sites/OwnerSites.ts"
import type { Form } from "./FormRules.ts"
import { OwnerForms } from "./OwnerForms.ts"

const toJson = ({ createdAt, page, rules, updatedAt }: Form) => ({
  page,
  rules,
  created_at: Calendar.iso(createdAt),
  updated_at: Calendar.iso(updatedAt)
})

const fault = (msg: string) =>
  Effect.fail(Validation.failed([{ loc: ["body", "page"], msg: `Value error, ${msg}`, type: "value_error" }]))

export const layer = HttpApiBuilder.group(
  OwnerApi,
  "forms",
  Effect.fnUntraced(function* (handlers) {
    const ownerSites = yield* OwnerSites
    const forms = yield* OwnerForms
    return handlers
      .handle("list", ({ params }) =>
        ownerSites.authorize(params.site_id, "read").pipe(
          Effect.flatMap(forms.list),
          Effect.map((listed) => ({ forms: listed.map(toJson) })),
          Effect.catchTag("StorageUnavailable", Failures.ofStorage)
        )
      )
      .handle("put", ({ params, payload }) =>
        ownerSites.authorize(params.site_id, "write").pipe(
          Effect.flatMap((proof) => forms.put(proof, payload)),
          Effect.map(toJson),
          Effect.catchTags({
            StorageUnavailable: Failures.ofStorage,
            LimitReached: Failures.ofLimit,
            FormExists: () =>
              fault("the form's rules were changed at the same time; read them, and send the request again")
          })
        )
      )
      .handle("delete", ({ params, query }) =>
        ownerSites.authorize(params.site_id, "write").pipe(
          Effect.flatMap((proof) => forms.delete(proof, query.page)),
          Effect.catchTag("StorageUnavailable", Failures.ofStorage)
        )
      )
  })
)
