/** Submissions that look like spam, and repeated submissions. On either storage. */

import { assert, layer, type Vitest } from "@effect/vitest"
import { Effect } from "effect"
import { assertCounts } from "../../support/DecisionCounts.ts"
import { decisionOf, urlencoded, withSite } from "../../support/PlainForms.ts"
import type { Storage } from "../../support/Storages.ts"
import { type TestServer, onPostgres as testServer } from "../../support/TestServer.ts"
import { laterTime } from "../../support/Wait.ts"

const suite = (it: Vitest.MethodsNonLive<TestServer | Storage>) => {
  it.effect("an ordinary submission is accepted, even when repeated twenty times", () =>
    Effect.gen(function* () {
      const { stored, submit } = yield* withSite()
      for (let turn = 0; turn < 20; turn++) {
        const answer = yield* submit({ name: "Ada" })
        assert.deepStrictEqual([answer.status, decisionOf(answer)], [200, "counted"])
      }
      const all = yield* stored
      assert.isTrue(all.every(({ status }) => status === "accepted"))
      // Repetition is a reason that alone does not quarantine.
      assert.deepStrictEqual(all.filter(({ reasons }) => reasons.length === 0).length, 1)
    })
  )

  it.effect("repeats of a text with links are held, the first one is not", () =>
    Effect.gen(function* () {
      const { site, stored, submit } = yield* withSite()
      const send = Effect.tap(submit({ text: "https://a.example ".repeat(5) }), laterTime)
      assert.deepStrictEqual([yield* send, yield* send, yield* send].map(decisionOf), [
        "counted",
        "quarantined",
        "quarantined"
      ])
      assert.deepStrictEqual(
        (yield* stored).map(({ reasons }) => reasons),
        [["links"], ["links", "repeated"], ["links", "repeated"]]
      )
      yield* assertCounts(site, { quarantined: 2 })
    })
  )

  it.effect("spam also gets a 200, and is stored with its reasons and without the honeypot", () =>
    Effect.gen(function* () {
      const { form, site, stored, submit } = yield* withSite()
      const spam = [
        submit({ name: "Ada", hydracore_hp: "http://x.example", hydracore_ms: 50 }),
        submit({ text: "https://a.example ".repeat(12) }),
        submit({ text: '<a href="http://a.example">x</a>' }, {}, { email: "x@mailinator.com" }),
        Effect.map(form("name=Ada&hydracore_hp=a", urlencoded), (answer) => ({ ...answer, json: undefined }))
      ]
      for (const sent of spam) {
        const answer = yield* sent
        assert.deepStrictEqual([answer.status, decisionOf(answer)], [200, "quarantined"])
      }
      const all = [...(yield* stored)].sort((left, right) => left.formData.length - right.formData.length)
      assert.deepStrictEqual(
        all.map(({ formData, reasons, status }) => [status, reasons, formData.slice(0, 14)]),
        [
          ["quarantined", ["honeypot", "fast"], '{"name":"Ada"}'],
          ["quarantined", ["honeypot", "repeated"], '{"name":"Ada"}'],
          ["quarantined", ["link-markup", "disposable-email"], '{"text":"<a hr'],
          ["quarantined", ["links"], '{"text":"https']
        ]
      )
      yield* assertCounts(site, { quarantined: 4 })
    })
  )

  it.effect("a submission that is sent again with its key is stored once, whatever its hydracore_ms", () =>
    Effect.gen(function* () {
      const { site, stored, submit } = yield* withSite()
      const headers = { "idempotency-key": "k" }
      const first = yield* submit({ name: "Ada", hydracore_ms: 9000 }, headers)
      const again = yield* submit({ name: "Ada", hydracore_ms: 19000 }, headers)
      assert.deepStrictEqual(again.json, first.json)
      assert.deepStrictEqual([first, again].map(decisionOf), ["counted", "repeated"])
      assert.deepStrictEqual(
        (yield* stored).map(({ reasons }) => reasons),
        [[]]
      )
      yield* assertCounts(site, {})
      // A quarantined submission is also counted once, and stays quarantined whatever its reserved fields say.
      for (const [hydracore_hp, decision] of [
        ["x", "quarantined"],
        ["x", "repeated"],
        ["", "repeated"]
      ]) {
        const spam = yield* submit({ name: "Spam", hydracore_hp }, { "idempotency-key": "s" })
        assert.strictEqual(decisionOf(spam), decision)
      }
      assert.lengthOf(yield* stored, 2)
      yield* assertCounts(site, { quarantined: 1 })
    })
  )
}

layer(testServer(), { excludeTestServices: true })("http: the quarantine", suite)
