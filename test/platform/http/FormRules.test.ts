/**
 * Submissions of a form with rules, over a real socket, on either storage.
 */
import { assert, layer, type Vitest } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { FormDirectory, type FormRules } from "../../../src/forms/FormRules.ts"
import { SiteDirectory } from "../../../src/sites/SiteDirectory.ts"
import { assertCounts } from "../../support/DecisionCounts.ts"
import type { Storage } from "../../support/Storages.ts"
import { paths, TestServer, onPostgres as testServer } from "../../support/TestServer.ts"
import { submissionsOf } from "../../support/TestSubmissions.ts"
import { until } from "../../support/Wait.ts"

const rules: FormRules = {
  name: { required: true, max: 10 },
  email: { email: true, message: "Bitte geben Sie eine E-Mail-Adresse ein." },
  "<b>": { one_of: ["<i>"] }
}

/** A website whose form "contact" has rules, and a function that submits to it. */
const withForm = Effect.gen(function* () {
  const { send } = yield* TestServer
  const site = yield* SiteDirectory.use((sites) => sites.create({ name: "Rules", origins: [] }))
  yield* FormDirectory.use((forms) => forms.put({ websiteConfigId: site.websiteConfigId, page: "contact", rules }))
  const submit = (form_data: object, more: object = { page_slug: "contact" }) =>
    send(paths.submit, { site_id: site.websiteConfigId, form_data, ...more })
  const stored = Effect.map(submissionsOf(site.websiteConfigId), (submissions) =>
    submissions.map(({ formData }) => formData)
  )
  return { site, submit, stored }
})

const suite = (it: Vitest.MethodsNonLive<TestServer | Storage>) => {
  it.effect("a rule holds for every value of a repeated member", () =>
    Effect.gen(function* () {
      const { send } = yield* TestServer
      const { site, stored } = yield* withForm
      const submit = (formData: string) =>
        send(paths.submit, `{"site_id":"${site.websiteConfigId}","page_slug":"contact","form_data":${formData}}`)
      for (const formData of ['{"name":"much too long","name":"Ada"}', '{"name":"Ada","name":"much too long"}']) {
        const refused = yield* submit(formData)
        assert.strictEqual(refused.status, 422)
        assert.include(refused.text, "Please enter at most 10 characters.")
      }
      assert.strictEqual((yield* submit('{"name":"Ada","name":"Bob"}')).status, 200)
      assert.deepStrictEqual(yield* stored, ['{"name":"Ada","name":"Bob"}'])
    })
  )

  it.effect("a submission that breaks rules is answered 422 with every error at its field, and is not stored", () =>
    Effect.gen(function* () {
      const { site, stored, submit } = yield* withForm
      const refused = yield* submit({ email: "ada", name: "x".repeat(11) })
      assert.strictEqual(refused.status, 422)
      assert.deepStrictEqual(JSON.parse(refused.text), {
        detail: [
          { loc: ["body", "form_data", "name"], msg: "Please enter at most 10 characters.", type: "string_too_long" },
          { loc: ["body", "form_data", "email"], msg: "Bitte geben Sie eine E-Mail-Adresse ein.", type: "value_error" }
        ]
      })
      assert.strictEqual(refused.headers.get("x-hydracore-decision"), "form-rule")
      const missing = yield* submit({}, { page_slug: "contact", email: "ada@example.org" })
      assert.deepStrictEqual(JSON.parse(missing.text), {
        detail: [{ loc: ["body", "form_data", "name"], msg: "Please fill in this field.", type: "missing" }]
      })
      assert.deepStrictEqual(yield* stored, [])
      yield* assertCounts(site, { "form-rule": 2 })
    })
  )

  it.effect(
    "a submission that satisfies the rules is stored, and the rules do not apply to other forms of the website",
    () =>
      Effect.gen(function* () {
        const { stored, submit } = yield* withForm
        const accepted = [
          yield* submit({ name: "Ada", email: "ada@example.org", other: "x" }),
          yield* submit({ email: "ada" }, { page_slug: "Contact" }),
          yield* submit({ email: "ada" }, {}),
          yield* submit({ email: "ada" }, { page_slug: null })
        ]
        assert.deepStrictEqual(
          accepted.map(({ status }) => status),
          [200, 200, 200, 200]
        )
        assert.lengthOf(yield* stored, 4)
      })
  )

  it.effect("a changed rule applies without a restart", () =>
    Effect.gen(function* () {
      const { site, submit } = yield* withForm
      const { websiteConfigId } = site
      const forms = yield* FormDirectory
      assert.strictEqual((yield* submit({ name: "" })).status, 422)
      yield* forms.put({ websiteConfigId, page: "contact", rules: { name: { max: 10 } } })
      yield* until("the change applies", async () => (await Effect.runPromise(submit({ name: "" }))).status === 200)
    })
  )

  it.effect("a form that a browser sends without the script gets a page with each invalid field and its message", () =>
    Effect.gen(function* () {
      const { url } = yield* TestServer
      const { site, stored } = yield* withForm
      const answer = yield* Effect.promise(() =>
        fetch(`${url}${paths.submit}?site=${site.websiteConfigId}&page=contact`, {
          method: "POST",
          headers: { accept: "text/html" },
          body: new URLSearchParams({ name: " ", "<b>": "x" })
        })
      )
      assert.strictEqual(answer.status, 422)
      const page = yield* Effect.promise(() => answer.text())
      assert.include(page, "<strong>name</strong>")
      assert.include(page, "Please fill in this field.")
      assert.include(page, "<strong>&lt;b&gt;</strong>")
      assert.include(page, "Please choose one of: &lt;i&gt;.")
      assert.notMatch(page, /<b>|<i>|Please tell the owner/)
      assert.deepStrictEqual(yield* stored, [])
    })
  )
}

layer(Layer.fresh(testServer()), { excludeTestServices: true })("form rules", suite)
