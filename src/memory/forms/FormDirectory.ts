/**
 * Stores the rules of forms in the memory of this process.
 *
 * @module
 */
import { Clock, Effect, Layer, Option } from "effect"
import type { Form } from "../../core/forms/FormRules.ts"
import * as Maximums from "../../core/sites/Maximums.ts"
import * as CodePoints from "../../core/text/CodePoints.ts"
import { FormDirectory, FormExists } from "../../services/forms/FormDirectory.ts"
import { LimitReached } from "../../services/LimitReached.ts"
import { Sites } from "../sites/SiteDirectory.ts"

export const layer: Layer.Layer<FormDirectory, never, Sites> = Layer.effect(
  FormDirectory,
  Effect.gen(function* () {
    const sites = yield* Sites
    /** By website, then by page. The forms of an erased website are deleted at the next access. */
    const bySite = new Map<string, Map<string, Form>>()
    const formsOf = (websiteConfigId: string): Map<string, Form> => {
      if (sites.get(websiteConfigId) === undefined) bySite.delete(websiteConfigId)
      return bySite.get(websiteConfigId) ?? new Map<string, Form>()
    }
    return {
      bySite: (id) =>
        Effect.sync(() =>
          Option.map(Option.fromUndefinedOr(sites.get(id)), (site) => ({
            site,
            forms: new Map(Array.from(formsOf(id).values(), ({ page, rules }) => [page, rules]))
          }))
        ),
      create: Effect.fnUntraced(function* (given) {
        if (sites.get(given.websiteConfigId) === undefined) return Option.none()
        const forms = formsOf(given.websiteConfigId)
        if (forms.has(given.page)) return yield* new FormExists({ page: given.page })
        if (forms.size >= Maximums.forms.max) return yield* new LimitReached({ maximum: Maximums.forms })
        const now = yield* Clock.currentTimeMillis
        const form: Form = { ...given, createdAt: now, updatedAt: now }
        bySite.set(given.websiteConfigId, forms.set(given.page, form))
        return Option.some(form)
      }),
      update: Effect.fnUntraced(function* (given) {
        const forms = formsOf(given.websiteConfigId)
        const former = forms.get(given.page)
        if (former === undefined) return Option.none()
        const form: Form = { ...former, ...given, updatedAt: yield* Clock.currentTimeMillis }
        forms.set(given.page, form)
        return Option.some(form)
      }),
      list: (id) =>
        Effect.sync(() => [...formsOf(id).values()].sort((left, right) => CodePoints.compare(left.page, right.page))),
      delete: (id, page) => Effect.sync(() => formsOf(id).delete(page))
    }
  })
)
