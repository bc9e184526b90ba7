/** Submissions in JSON over a real socket, on either storage. */
import { assert, layer, type Vitest } from "@effect/vitest"
import { Effect } from "effect"
import { detailOf, uuid } from "../../support/ResponseParts.ts"
import { type Storage, storages } from "../../support/Storages.ts"
import { paths, TestServer, layer as testServer } from "../../support/TestServer.ts"
import { submissionsOf } from "../../support/TestSubmissions.ts"

const suite = (it: Vitest.MethodsNonLive<TestServer | Storage>) => {
  it.effect("a submission is stored as it was sent", () =>
    Effect.gen(function* () {
      const { send, websiteConfigId } = yield* TestServer
      const formData = String.raw`{"z":1e400,"__proto__":{"a":"\u0000\ud800"},"n":12345678901234567890,"z":-0.0}`
      const body = `{"site_id":"${websiteConfigId}","form_data": ${formData},"email":"é😀","page_slug":""}`
      const answer = yield* send(paths.submit, body)
      assert.strictEqual(answer.status, 200)
      const { status, submission_id } = answer.json as { status: string; submission_id: string }
      assert.strictEqual(status, "received")
      assert.match(submission_id, uuid)
      const stored = (yield* submissionsOf(websiteConfigId)).find(({ submissionId }) => submissionId === submission_id)
      assert.strictEqual(stored?.formData, formData)
      assert.strictEqual(stored?.email, "é😀")
      assert.strictEqual(stored?.pageSlug, "")
    })
  )

  it.effect("an id that is not a website_config_id is unknown, even a tracking token", () =>
    Effect.gen(function* () {
      const { send, trackingToken } = yield* TestServer
      for (const site_id of [trackingToken, "72771e6a-6f5e-4de4-a5b9-1266c4197811"]) {
        assert.strictEqual((yield* send(paths.submit, { site_id, form_data: {} })).status, 404)
      }
    })
  )

  it.effect("a repeated Idempotency-Key gets the first response, or a 422 for other content, and stores nothing", () =>
    Effect.gen(function* () {
      const { send, websiteConfigId } = yield* TestServer
      const headers = { "idempotency-key": "key 1" }
      const body = { site_id: websiteConfigId, form_data: { once: true } }
      const first = yield* send(paths.submit, body, { headers })
      const before = (yield* submissionsOf(websiteConfigId)).length
      const second = yield* send(paths.submit, JSON.stringify(body, null, 2), { headers })
      assert.deepStrictEqual(second.json, first.json)
      assert.strictEqual((yield* submissionsOf(websiteConfigId)).length, before)
      const other = yield* send(paths.submit, { ...body, form_data: { once: false } }, { headers })
      assert.strictEqual(other.status, 422)
      assert.include(other.text, "idempotency-key")
      assert.strictEqual((yield* submissionsOf(websiteConfigId)).length, before)
    })
  )

  it.effect("an invalid Idempotency-Key is listed with the errors of the body", () =>
    Effect.gen(function* () {
      const { send, websiteConfigId } = yield* TestServer
      const headers = { "idempotency-key": "x".repeat(256) }
      const answer = yield* send(paths.submit, { site_id: websiteConfigId, form_data: 1 }, { headers })
      assert.strictEqual(answer.status, 422)
      assert.deepStrictEqual(
        (detailOf(answer.json) as ReadonlyArray<{ readonly loc: unknown }>).map(({ loc }) => loc),
        [
          ["body", "form_data"],
          ["header", "idempotency-key"]
        ]
      )
    })
  )

  it.effect("form data nested too deeply and invalid UTF-8 are refused", () =>
    Effect.gen(function* () {
      const { send, url, websiteConfigId } = yield* TestServer
      const nested = (depth: number) =>
        `{"site_id":"${websiteConfigId}","form_data":{"a":${"[".repeat(depth)}${"]".repeat(depth)}}}`
      assert.strictEqual((yield* send(paths.submit, nested(99))).status, 200)
      for (const depth of [100, 100_000]) {
        const answer = yield* send(paths.submit, nested(depth))
        assert.strictEqual(answer.status, 422)
        assert.isBelow(answer.text.length, 500)
      }
      const bytes = Buffer.concat([Buffer.from('{"site_id":"'), Buffer.from([0xff]), Buffer.from('"}')])
      const answer = yield* Effect.promise(() => fetch(url + paths.submit, { method: "POST", body: bytes }))
      assert.strictEqual(answer.status, 422)
    })
  )
}

for (const [name, storage] of storages) {
  layer(testServer({}, undefined, undefined, storage({})), { excludeTestServices: true })(
    `http: submissions ${name}`,
    suite
  )
}
