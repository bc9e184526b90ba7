/**
 * Reads and changes the rules of forms for the owner API, only for websites that the caller may access.
 *
 * @module
 */
import { Context, Effect, Layer, Option } from "effect"
import type { LimitReached } from "../platform/limits/LimitReached.ts"
import type { StorageUnavailable } from "../platform/Storage.ts"
import type { AuthorizedSite } from "../sites/access/Access.ts"
import * as Errors from "../sites/access/Errors.ts"
import * as OwnerSites from "../sites/OwnerSites.ts"
import { FormDirectory, type FormExists } from "./FormDirectory.ts"
import type { Form } from "./FormRules.ts"

type Failure = (typeof Errors.NotFound)["Type"] | StorageUnavailable

export class OwnerForms extends Context.Service<
  OwnerForms,
  {
    readonly list: (proof: AuthorizedSite<"read">) => Effect.Effect<ReadonlyArray<Form>, StorageUnavailable>
    /** Gives a form its rules, or replaces them. */
    readonly put: (
      proof: AuthorizedSite<"write">,
      form: Pick<Form, "page" | "rules">
    ) => Effect.Effect<Form, Failure | FormExists | LimitReached>
    readonly delete: (proof: AuthorizedSite<"write">, page: string) => Effect.Effect<void, Failure>
  }
>()("hydracore/forms/OwnerForms") {}

const noRules = Errors.make("NotFound", "This website has no rules for this form.")

export const layer: Layer.Layer<OwnerForms, never, FormDirectory> = Layer.effect(
  OwnerForms,
  Effect.map(FormDirectory, (forms) => ({
    list: ({ site }) => forms.list(site.websiteConfigId),
    put: Effect.fnUntraced(function* ({ site: { websiteConfigId } }, given) {
      const form = { ...given, websiteConfigId }
      const updated = yield* forms.update(form)
      if (Option.isSome(updated)) return updated.value
      const created = yield* forms.create(form)
      // The website was deleted meanwhile.
      return yield* Effect.fromOption(created, () => OwnerSites.notFound)
    }),
    delete: Effect.fnUntraced(function* ({ site }, page) {
      if (!(yield* forms.delete(site.websiteConfigId, page))) return yield* Effect.fail(noRules)
    })
  }))
)
