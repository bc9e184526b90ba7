/**
 * The tests that every layer of `FormDirectory` must pass.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { assert, layer as withLayer } from "@effect/vitest"
import { Effect, type Layer, Option, Result, Schema } from "effect"
import { TestClock } from "effect/testing"
import { FormDirectory, type FormRules } from "../../src/forms/FormRules.ts"
import { WebsiteConfigId } from "../../src/platform/Id.ts"
import * as Maximums from "../../src/sites/Maximums.ts"
import { SiteDirectory } from "../../src/sites/SiteDirectory.ts"
import { SiteErasure } from "../../src/sites/SiteErasure.ts"

const newSite = SiteDirectory.use((sites) => sites.create({ name: "test", origins: ["https://a.example"] }))

/** Rules with texts that must be escaped in JSON or SQL. */
const Rules = Schema.Struct({
  name: Schema.Struct({
    required: Schema.optionalKey(Schema.Boolean),
    max: Schema.optionalKey(Schema.Literals([0, 1, 1_000_000])),
    one_of: Schema.optionalKey(Schema.NonEmptyArray(Schema.Literals(["{,}", "NULL", "it's", 'a"b\\c', "\\u0000"]))),
    pattern: Schema.optionalKey(Schema.Literals(["\\d+", "[\\p{L} ]{1,9}"]))
  }),
  "Ünïcode 'it\"s' 日本 👩‍👩‍👧": Schema.optionalKey(Schema.Struct({ email: Schema.optionalKey(Schema.Boolean) })),
  constructor: Schema.optionalKey(Schema.Struct({ message: Schema.Literals([" ", "Übel"]) }))
})

const Page = Schema.Literals(["contact", "Contact", "it's", "日本", " ", "a/b"])

/** The rules by page, as an object: Chai cannot compare maps of objects without a prototype. */
const rulesByPage = (forms: ReadonlyMap<string, FormRules>) => Object.fromEntries(forms)

const rules: FormRules = { name: { required: true } }

export const suite = <E>(name: string, layer: Layer.Layer<FormDirectory | SiteDirectory | SiteErasure, E>) =>
  withLayer(layer)(name, (it) => {
    it.effect.prop(
      "a lookup of a website returns the rules of its forms unchanged until they are updated or deleted",
      [Schema.NonEmptyArray(Schema.Struct({ page: Page, rules: Rules }))],
      ([entries]) =>
        Effect.gen(function* () {
          const forms = yield* FormDirectory
          const [site, other] = [yield* newSite, yield* newSite]
          const { websiteConfigId } = site
          const expected = new Map<string, FormRules>()
          for (const { page, rules } of entries) {
            yield* TestClock.adjust(1)
            if (expected.has(page)) {
              const refused = yield* Effect.flip(forms.put({ websiteConfigId, page, rules }, "set"))
              assert.deepInclude(refused, { _tag: "FormRefused", exists: true })
              assert.deepInclude(Option.getOrThrow(yield* forms.put({ websiteConfigId, page, rules })), { rules })
            } else {
              const created = Option.getOrThrow(yield* forms.put({ websiteConfigId, page, rules }))
              assert.deepInclude(created, { page, rules })
              assert.strictEqual(created.created_at, created.updated_at)
            }
            expected.set(page, rules)
          }
          const listed = yield* forms.list(websiteConfigId)
          assert.deepStrictEqual(
            Object.fromEntries(listed.map(({ page, rules }) => [page, rules])),
            rulesByPage(expected)
          )
          yield* TestClock.adjust("1 second")
          for (const [expectedSite, expectedForms] of [
            [site, expected],
            [other, new Map<string, FormRules>()]
          ] as const) {
            const found = Option.getOrThrow(yield* forms.bySite(expectedSite.websiteConfigId))
            assert.deepStrictEqual(found.site, expectedSite)
            assert.deepStrictEqual(rulesByPage(found.forms), rulesByPage(expectedForms))
          }
          for (const page of expected.keys()) {
            assert.isFalse(yield* forms.delete(other.websiteConfigId, page))
            assert.isTrue(yield* forms.delete(websiteConfigId, page))
            assert.isFalse(yield* forms.delete(websiteConfigId, page))
          }
          assert.deepStrictEqual(yield* forms.list(websiteConfigId), [])
        }),
      { arbitrary: { runs: 20 } }
    )

    it.effect("a change is visible within a second, even right after a lookup of the website", () =>
      Effect.gen(function* () {
        const forms = yield* FormDirectory
        const { websiteConfigId } = yield* newSite
        const contactRules = Effect.map(forms.bySite(websiteConfigId), (site) =>
          Option.getOrThrow(site).forms.get("contact")
        )
        assert.isUndefined(yield* contactRules)
        yield* forms.put({ websiteConfigId, page: "contact", rules })
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(yield* contactRules, rules)
        yield* forms.put({ websiteConfigId, page: "contact", rules: { email: { email: true } } })
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(yield* contactRules, { email: { email: true } })
        yield* forms.delete(websiteConfigId, "contact")
        yield* TestClock.adjust("1 second")
        assert.isUndefined(yield* contactRules)
        yield* SiteDirectory.use((sites) => sites.update(websiteConfigId, { name: "new" }))
        yield* TestClock.adjust("1 second")
        assert.strictEqual(Option.getOrThrow(yield* forms.bySite(websiteConfigId)).site.name, "new")
      })
    )

    it.effect("an update keeps the time of creation", () =>
      Effect.gen(function* () {
        const forms = yield* FormDirectory
        const { websiteConfigId } = yield* newSite
        const created = Option.getOrThrow(yield* forms.put({ websiteConfigId, page: "a", rules }))
        yield* TestClock.adjust("1 minute")
        const updated = Option.getOrThrow(yield* forms.put({ websiteConfigId, page: "a", rules }))
        assert.strictEqual(updated.created_at, created.created_at)
        assert.strictEqual(Date.parse(updated.updated_at), Date.parse(created.created_at) + 60_000)
        assert.deepStrictEqual(yield* forms.list(websiteConfigId), [updated])
      })
    )

    it.effect("a website has a limited number of forms, also if they are created concurrently", () =>
      Effect.gen(function* () {
        const forms = yield* FormDirectory
        const { websiteConfigId } = yield* newSite
        const outcomes = yield* Effect.forEach(
          Array.from({ length: Maximums.forms.max + 5 }, (_, index) => `page ${index}`),
          (page) => Effect.result(forms.put({ websiteConfigId, page, rules })),
          { concurrency: "unbounded" }
        )
        const refused = outcomes.flatMap((outcome) => (Result.isFailure(outcome) ? [outcome.failure._tag] : []))
        assert.deepStrictEqual(
          refused,
          Array.from({ length: 5 }, () => "LimitReached")
        )
        const listed = yield* forms.list(websiteConfigId)
        assert.lengthOf(listed, Maximums.forms.max)
        // The maximum concerns only what adds a form.
        const missing = yield* Effect.flip(forms.put({ websiteConfigId, page: "missing", rules }, "replace"))
        assert.deepInclude(missing, { _tag: "FormRefused", exists: false })
        for (const only of ["replace", undefined] as const) {
          const { page } = Option.getOrThrow(Option.fromUndefinedOr(listed[0]))
          assert.isTrue(Option.isSome(yield* forms.put({ websiteConfigId, page, rules }, only)))
        }
      })
    )

    it.effect("an unknown website has no forms, and an unknown page cannot be updated or deleted", () =>
      Effect.gen(function* () {
        const forms = yield* FormDirectory
        const site = yield* newSite
        for (const websiteConfigId of [randomUUID(), site.trackingToken, site.hostedWebsiteId].map((other) =>
          WebsiteConfigId.make(other)
        )) {
          assert.isTrue(Option.isNone(yield* forms.bySite(websiteConfigId)))
          assert.isTrue(Option.isNone(yield* forms.put({ websiteConfigId, page: "a", rules })))
          assert.deepStrictEqual(yield* forms.list(websiteConfigId), [])
          assert.isFalse(yield* forms.delete(websiteConfigId, "a"))
        }
        const { websiteConfigId } = site
        const refused = yield* Effect.flip(forms.put({ websiteConfigId, page: "a", rules }, "replace"))
        assert.deepInclude(refused, { _tag: "FormRefused", exists: false })
        assert.isFalse(yield* forms.delete(websiteConfigId, "a"))
      })
    )

    it.effect("rules are deleted with their website", () =>
      Effect.gen(function* () {
        const forms = yield* FormDirectory
        const { websiteConfigId } = yield* newSite
        yield* forms.put({ websiteConfigId, page: "contact", rules })
        yield* SiteErasure.use(({ erase }) => erase(websiteConfigId))
        assert.deepStrictEqual(yield* forms.list(websiteConfigId), [])
        assert.isTrue(Option.isNone(yield* forms.bySite(websiteConfigId)))
        assert.isTrue(Option.isNone(yield* forms.put({ websiteConfigId, page: "contact", rules })))
        assert.isFalse(yield* forms.delete(websiteConfigId, "contact"))
      })
    )
  })
