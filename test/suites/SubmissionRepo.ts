/**
 * The tests that every layer of `SubmissionRepo` must pass. Tests may share a store, so each uses its own
 * ids and keys.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { assert, describe, layer as withLayer } from "@effect/vitest"
import { Effect, type Layer, Result, Schema, Stream } from "effect"
import { type Status, type Submission, statuses } from "../../src/forms/Submission.ts"
import { SubmissionRepo } from "../../src/forms/SubmissionRepo.ts"
import { SubmissionId } from "../../src/platform/Id.ts"
import { asStored, collect, draft, start, storedOf, unknownWebsite, websites } from "../support/TestSubmissions.ts"
import * as Idempotency from "./SubmissionIdempotency.ts"

/** A text that PostgreSQL can store, as the contract guarantees. */
const Text = Schema.String.check(
  Schema.makeFilter((text: string) => text.isWellFormed() && !text.includes("\0"), { title: "storable" })
)

/** JSON values that a store would change by parsing or normalizing them. */
const json = [
  '"\\u0000"',
  '"\\ud800"',
  '"\\uD83D\\uDE00"',
  '"😀\u007f\u2028"',
  "1e400",
  "-0",
  "1.0",
  "1E+2",
  "123456789012345678901234567890",
  '{"__proto__":{"a":1},"constructor":null}',
  '{"a":1,"a":2}',
  '["\\/","/"]',
  "[[[[]]]]"
] as const

const FormData = Schema.Array(
  Schema.Tuple([Schema.String, Schema.Union([Schema.Literals(json), Schema.String])])
).check(Schema.isMaxLength(6))

/** A JSON object of these fields. `JSON.stringify` escapes lone surrogates. */
const formDataOf = (fields: typeof FormData.Type): string =>
  `{${fields
    .map(
      ([key, value]) =>
        `${JSON.stringify(key)}:${(json as ReadonlyArray<string>).includes(value) ? value : JSON.stringify(value)}`
    )
    .join(",")}}`

const Decision = Schema.Struct({
  status: Schema.Literals(statuses),
  reasons: Schema.Array(Schema.Literals(["honeypot", "links", "repeated"])).check(Schema.isMaxLength(3))
})

export const suite = <E>(name: string, layer: Layer.Layer<SubmissionRepo, E>) =>
  describe(name, () => {
    withLayer(layer, { excludeTestServices: true })((it) => {
      Idempotency.suite(it)

      it.effect.prop(
        "submissions are read byte for byte as they were stored",
        { email: Schema.NullOr(Text), pageSlug: Schema.NullOr(Text), fields: FormData, decision: Decision },
        ({ email, fields, decision, pageSlug }) =>
          Effect.gen(function* () {
            const repo = yield* SubmissionRepo
            const formData = formDataOf(fields)
            const one = draft({ websiteConfigId: websites[1], email, pageSlug, formData, ...decision })
            assert.strictEqual(yield* repo.submit(one), one.submissionId)
            assert.deepStrictEqual(yield* storedOf([one]), [asStored(one)])
          }),
        { arbitrary: { runs: 50 } }
      )

      it.effect("a submission to an unknown website is refused, and the rest of its batch is stored", () =>
        Effect.gen(function* () {
          const repo = yield* SubmissionRepo
          const drafts = Array.from({ length: 20 }, (_, index) =>
            draft({ websiteConfigId: index === 7 ? unknownWebsite : websites[0], key: index % 2 ? randomUUID() : null })
          )
          const outcomes = yield* Effect.forEach(drafts, (draft) => Effect.result(repo.submit(draft)), {
            concurrency: "unbounded"
          })
          outcomes.forEach((outcome, index) => {
            if (index === 7) assert.isTrue(Result.isFailure(outcome) && outcome.failure._tag === "RecordRefused")
            else assert.deepStrictEqual(outcome, Result.succeed(drafts[index]!.submissionId))
          })
          assert.lengthOf(yield* storedOf(drafts), 19)
        })
      )

      it.effect.prop(
        "filters by status; a release changes the status and keeps the reasons",
        { decisions: Schema.Array(Decision).check(Schema.isMaxLength(8)), chosen: Schema.Int },
        ({ chosen, decisions }) =>
          Effect.gen(function* () {
            const repo = yield* SubmissionRepo
            const drafts = decisions.map((decision, index) => draft({ receivedAt: start + index, ...decision }))
            yield* Effect.forEach(drafts, repo.submit)
            const own = new Set(drafts.map(({ submissionId }) => submissionId))
            const stored = (status?: Status) =>
              Stream.runCollect(repo.stream({ websiteConfigId: websites[0], status })).pipe(
                Effect.map((all) => all.filter(({ submissionId }) => own.has(submissionId)))
              )
            const expected = drafts.map(asStored)
            for (const status of [...statuses, undefined]) {
              const wanted = expected.filter((one) => status === undefined || one.status === status)
              assert.deepStrictEqual(yield* stored(status), wanted)
            }
            if (expected.length === 0) return
            const index = Math.abs(chosen) % expected.length
            const { submissionId } = expected[index]!
            // The second release, of an accepted submission, has no effect.
            for (let count = 0; count < 2; count++) assert.isTrue(yield* repo.release(submissionId))
            assert.deepStrictEqual(
              yield* stored(),
              expected.map((one) => (one.submissionId === submissionId ? { ...one, status: "accepted" } : one))
            )
          }),
        { arbitrary: { runs: 30 } }
      )

      it.effect("an unknown submission cannot be released", () =>
        Effect.gen(function* () {
          const repo = yield* SubmissionRepo
          assert.isFalse(yield* repo.release(SubmissionId.make(randomUUID())))
        })
      )

      it.effect("deletes a submission and no other, and cannot delete an unknown submission", () =>
        Effect.gen(function* () {
          const repo = yield* SubmissionRepo
          const drafts = [draft({}), draft({ status: "quarantined" }), draft({ key: randomUUID() })]
          yield* Effect.forEach(drafts, repo.submit)
          for (const [index, { submissionId }] of drafts.entries()) {
            assert.isTrue(yield* repo.delete(submissionId))
            assert.lengthOf(yield* storedOf(drafts), drafts.length - index - 1)
            assert.isFalse(yield* repo.delete(submissionId))
            assert.isFalse(yield* repo.release(submissionId))
          }
          assert.isFalse(yield* repo.delete(SubmissionId.make(randomUUID())))
        })
      )

      it.effect("streams a website's submissions from `since` on, oldest first, each once", () =>
        Effect.gen(function* () {
          const repo = yield* SubmissionRepo
          // All submissions have one of three times, so pages end between submissions of the same time.
          const drafts = Array.from({ length: 700 }, (_, index) =>
            draft({ websiteConfigId: websites[2], receivedAt: start + (index % 3) })
          )
          yield* Effect.forEach(drafts, repo.submit, { concurrency: "unbounded" })
          const idsFrom = (since: number) =>
            drafts
              .filter(({ receivedAt }) => receivedAt >= since)
              .sort(
                (left, right) => left.receivedAt - right.receivedAt || (left.submissionId < right.submissionId ? -1 : 1)
              )
              .map(({ submissionId }) => submissionId)
          const ids = (submissions: ReadonlyArray<Submission>) => submissions.map(({ submissionId }) => submissionId)
          assert.deepStrictEqual(ids(yield* collect(websites[2])), idsFrom(start))
          assert.deepStrictEqual(ids(yield* collect(websites[2], start + 1)), idsFrom(start + 1))
          assert.deepStrictEqual(ids(yield* collect(websites[2], start + 3)), [])
          assert.deepStrictEqual(ids(yield* collect(unknownWebsite)), [])
        })
      )
    })
  })
