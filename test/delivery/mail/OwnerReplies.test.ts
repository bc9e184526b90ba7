/**
 * Replies to submissions over HTTP.
 */
import { randomUUID } from "node:crypto"
import { assert, layer } from "@effect/vitest"
import { Effect, Option, Redacted } from "effect"
import { makeMemory } from "../../../src/delivery/mail/Mailer.ts"
import * as Reply from "../../../src/delivery/mail/Reply.ts"
import type { SubmissionDraft } from "../../../src/forms/Submission.ts"
import { SubmissionRepo } from "../../../src/forms/SubmissionRepo.ts"
import { newCookie, send } from "../../support/OwnerRequests.ts"
import { locationsOf, opened } from "../../support/OwnerSession.ts"
import * as SubmissionDrafts from "../../support/SubmissionDraft.ts"
import { TestServer, onPostgres as testServer } from "../../support/TestServer.ts"

const mail = Option.some({
  mailer: makeMemory([]),
  sender: {
    from: { name: "Edge", address: "mail@edge.example" },
    publicUrl: "https://edge.example",
    consoleUrl: null,
    secretsKey: Redacted.make<Uint8Array>(new Uint8Array(32))
  }
})

/** A website with a submission, and requests about the submission's replies. */
const withSubmission = (more: Partial<SubmissionDraft> = {}) =>
  Effect.gen(function* () {
    const { request, site } = yield* opened
    const submit = (draft: Partial<SubmissionDraft> = {}) =>
      Effect.orDie(SubmissionRepo.use((repo) => repo.submit(SubmissionDrafts.make(site.websiteConfigId, draft))))
    const submissionId = yield* submit(more)
    const path = (id: string) => `/submissions/${id}/replies`
    return {
      site,
      submissionId,
      submit,
      list: (id: string = submissionId) => request("GET", path(id)),
      reply: (body: unknown, id: string = submissionId) => request("POST", path(id), body)
    }
  })

const body = { text: " Yes, we do. ", reply_to: "owner@shop.example" }

const server = testServer({}, undefined, undefined, mail)

layer(server, { excludeTestServices: true })("replies", (it) => {
  it.effect("a reply is stored with its text, and a second person sees it", () =>
    Effect.gen(function* () {
      const { list, reply, site, submissionId } = yield* withSubmission()
      const empty = JSON.parse((yield* list()).text)
      assert.deepStrictEqual(empty, { replies: [], can_send: true, to: "ada@example.com", reply_to: null })
      const sent = yield* reply(body)
      assert.strictEqual(sent.status, 200)
      const { created_at: _, reply_id: __, ...facts } = JSON.parse(sent.text)
      const expected = {
        author: null,
        reply_to: body.reply_to,
        to: "ada@example.com",
        subject: null,
        text: "Yes, we do."
      }
      assert.deepStrictEqual(facts, { ...expected, status: "pending", error: null })
      const { url } = yield* TestServer
      const viewer = yield* newCookie("viewer", [site.websiteConfigId])
      const path = `/v1/owner/sites/${site.websiteConfigId}/submissions/${submissionId}/replies`
      const seen = yield* send(url, path, { cookie: viewer })
      assert.deepStrictEqual(JSON.parse(seen.text).replies, [JSON.parse(sent.text)])
      assert.strictEqual((yield* send(url, path, { cookie: viewer, body })).status, 404)
    })
  )

  it.effect("an invalid reply is refused with the location of its error", () =>
    Effect.gen(function* () {
      const { list, reply } = yield* withSubmission()
      for (const [invalid, location] of [
        [{ ...body, text: " " }, "body.text"],
        [{ ...body, text: "a".repeat(Reply.maxText + 1) }, "body.text"],
        [{ ...body, reply_to: "owner@shop.example\nBcc: x@y.example" }, "body.reply_to"],
        [{ ...body, reply_to: "Ada <owner@shop.example>" }, "body.reply_to"],
        [{ text: "Yes" }, "body.reply_to"]
      ] as const) {
        const answer = yield* reply(invalid)
        assert.deepStrictEqual([answer.status, locationsOf(answer.text)], [422, [location]])
      }
      assert.deepStrictEqual(JSON.parse((yield* list()).text).replies, [])
    })
  )

  it.effect("only an accepted submission with an address of the website gets a reply", () =>
    Effect.gen(function* () {
      const { list, reply, submit } = yield* withSubmission()
      for (const email of [
        null,
        "ada@exa mple.org",
        "ada@example.com, eve@evil.example",
        "ada@example.com\r\nBcc: e@e.example"
      ]) {
        const id = yield* submit({ email })
        assert.isNull(JSON.parse((yield* list(id)).text).to)
        const refused = yield* reply(body, id)
        assert.deepStrictEqual([refused.status, locationsOf(refused.text)], [422, ["body"]])
      }
      const held = yield* submit({ status: "quarantined", reasons: ["links"] })
      assert.strictEqual((yield* reply(body, held)).status, 409)
      const other = yield* withSubmission()
      for (const id of [other.submissionId, randomUUID()]) {
        assert.strictEqual((yield* reply(body, id)).status, 404)
        assert.strictEqual((yield* list(id)).status, 404)
      }
    })
  )

  it.effect("an address gets five replies an hour, and a website sends sixty", () =>
    Effect.gen(function* () {
      const { reply, submit } = yield* withSubmission()
      const statuses = (ids: ReadonlyArray<string | undefined>) =>
        Effect.forEach(ids, (id) => Effect.map(reply(body, id), ({ status }) => status))
      assert.deepStrictEqual(yield* statuses(Array(6).fill(undefined)), [200, 200, 200, 200, 200, 429])
      // The case of the letters does not matter.
      const same = yield* submit({ email: "ADA@example.com" })
      assert.deepStrictEqual(yield* statuses([same]), [429])
      const others = yield* Effect.forEach(Array.from({ length: 12 }), (_, index) =>
        submit({ email: `a${index}@b.example` })
      )
      const more = yield* statuses(others.flatMap((id) => Array<string>(5).fill(id)))
      assert.strictEqual(more.filter((status) => status === 200).length, Reply.limits.website.limit - 5)
      const last = yield* reply(body, others.at(-1))
      assert.match(last.headers.get("retry-after") ?? "", /^\d+$/)
    })
  )
})

layer(testServer(), { excludeTestServices: true })("replies without a mail server", (it) => {
  it.effect("are refused, with what the operator must set", () =>
    Effect.gen(function* () {
      const { list, reply } = yield* withSubmission()
      assert.isFalse(JSON.parse((yield* list()).text).can_send)
      const refused = yield* reply(body)
      assert.strictEqual(refused.status, 422)
      assert.include(refused.text, "SMTP_URL")
      assert.deepStrictEqual(JSON.parse((yield* list()).text).replies, [])
    })
  )
})
