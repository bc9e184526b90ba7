/**
 * The suite of every `SubmissionRepo`. A layer's store may outlive a test, so each test uses its own ids and keys.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { assert, describe, layer as withLayer } from "@effect/vitest"
import { Effect, Exit, type Layer, Result, Schema, Stream } from "effect"
import { noAttribution } from "../../src/core/analytics/Lead.ts"
import {
  fingerprint,
  idempotencyWindowMillis,
  type Status,
  type Submission,
  type SubmissionDraft,
  statuses
} from "../../src/core/forms/Submission.ts"
import { SubmissionRepo } from "../../src/services/forms/SubmissionRepo.ts"

/** Websites that exist in the layer under test. */
export const websites = [randomUUID(), randomUUID(), randomUUID()] as const

/** A website that does not exist in the layer under test. */
export const unknownWebsite = randomUUID()

const start = Date.UTC(2026, 10, 1)

export const draft = (fields: Partial<SubmissionDraft> & { readonly key?: string | null }): SubmissionDraft => {
  const { key = null, ...given } = fields
  const submission: Omit<SubmissionDraft, "idempotency"> = {
    submissionId: randomUUID(),
    websiteConfigId: websites[0],
    receivedAt: start,
    email: null,
    pageSlug: null,
    formData: "{}",
    status: "accepted",
    reasons: [],
    sessionId: null,
    ...given
  }
  return { ...submission, idempotency: key === null ? null : { key, fingerprint: fingerprint(submission) } }
}

const collect = (websiteConfigId: string, since?: number) =>
  Effect.flatMap(SubmissionRepo, (repo) => Stream.runCollect(repo.stream({ websiteConfigId, since })))

/** The stored submissions of these drafts. */
const storedOf = (drafts: ReadonlyArray<SubmissionDraft>) =>
  Effect.gen(function* () {
    const ids = new Set(drafts.map((draft) => draft.submissionId))
    const all = yield* Effect.forEach(websites, (website) => collect(website))
    return all.flat().filter((submission) => ids.has(submission.submissionId))
  })

const withoutKey = ({ idempotency: _, sessionId: __, ...submission }: SubmissionDraft): Submission => ({
  ...submission,
  attribution: noAttribution
})

/** A text that PostgreSQL can store, as the contract guarantees. */
const Text = Schema.String.check(
  Schema.makeFilter((text: string) => text.isWellFormed() && !text.includes("\0"), { title: "storable" })
)

/** JSON that parsing, number conversion, object keys or normalization would change. */
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

const Judged = Schema.Struct({
  status: Schema.Literals(statuses),
  reasons: Schema.Array(Schema.Literals(["honeypot", "links", "repeated"])).check(Schema.isMaxLength(3))
})

const Step = Schema.Struct({
  website: Schema.Literals([0, 1]),
  key: Schema.Literals(["none", "a", "b"]),
  content: Schema.Literals(["{}", '{"a":1}']),
  /** Milliseconds since the previous submission: none, up to the end of the window, or beyond it. */
  wait: Schema.Literals([0, 1, idempotencyWindowMillis - 1, idempotencyWindowMillis, idempotencyWindowMillis + 1])
})

export const suite = <E>(name: string, layer: Layer.Layer<SubmissionRepo, E>) =>
  describe(name, () => {
    withLayer(layer, { excludeTestServices: true })((it) => {
      it.effect.prop(
        "returns submissions byte for byte",
        { email: Schema.NullOr(Text), pageSlug: Schema.NullOr(Text), fields: FormData, judged: Judged },
        ({ email, fields, judged, pageSlug }) =>
          Effect.gen(function* () {
            const repo = yield* SubmissionRepo
            const formData = formDataOf(fields)
            const one = draft({ websiteConfigId: websites[1], email, pageSlug, formData, ...judged })
            assert.strictEqual(yield* repo.submit(one), one.submissionId)
            assert.deepStrictEqual(yield* storedOf([one]), [withoutKey(one)])
          }),
        { arbitrary: { runs: 50 } }
      )

      it.effect.prop(
        "a key is valid for 24 hours: a retry is not stored, and different content is a conflict",
        { steps: Schema.Array(Step).check(Schema.isMaxLength(12)) },
        ({ steps }) =>
          Effect.gen(function* () {
            const repo = yield* SubmissionRepo
            const run = randomUUID()
            const held = new Map<string, { readonly first: SubmissionDraft }>()
            const drafts: Array<SubmissionDraft> = []
            const expected: Array<Submission> = []
            let now = start
            for (const { content, key, wait, website } of steps) {
              now += wait
              const next = draft({
                websiteConfigId: websites[website],
                receivedAt: now,
                formData: content,
                key: key === "none" ? null : `${run} ${key}`
              })
              drafts.push(next)
              const outcome = yield* Effect.result(repo.submit(next))
              const slot = `${website} ${key}`
              const first = held.get(slot)?.first
              if (key !== "none" && first !== undefined && now - first.receivedAt <= idempotencyWindowMillis) {
                if (first.formData === content) assert.deepStrictEqual(outcome, Result.succeed(first.submissionId))
                else assert.isTrue(Result.isFailure(outcome) && outcome.failure._tag === "IdempotencyConflict")
                continue
              }
              assert.deepStrictEqual(outcome, Result.succeed(next.submissionId))
              expected.push(withoutKey(next))
              if (key !== "none") held.set(slot, { first: next })
            }
            const byId = (left: Submission, right: Submission) => (left.submissionId < right.submissionId ? -1 : 1)
            assert.deepStrictEqual([...(yield* storedOf(drafts))].sort(byId), [...expected].sort(byId))
          }),
        { arbitrary: { runs: 40 } }
      )

      it.effect(
        "of concurrent retries with one key exactly one is stored, and all get the id of the stored submission",
        () =>
          Effect.gen(function* () {
            const repo = yield* SubmissionRepo
            const key = randomUUID()
            const drafts = Array.from({ length: 50 }, () => draft({ key, formData: '{"same":true}' }))
            const ids = yield* Effect.forEach(drafts, repo.submit, { concurrency: "unbounded" })
            const stored = yield* storedOf(drafts)
            assert.lengthOf(stored, 1)
            assert.deepStrictEqual(new Set(ids), new Set([stored[0]?.submissionId]))
          })
      )

      it.effect("of two different submissions with one key one is stored, and the other is a conflict", () =>
        Effect.gen(function* () {
          const repo = yield* SubmissionRepo
          const key = randomUUID()
          const drafts = ["1", "2", "1", "2"].map((a) => draft({ key, formData: `{"a":${a}}` }))
          const outcomes = yield* Effect.forEach(drafts, (draft) => Effect.exit(repo.submit(draft)), {
            concurrency: "unbounded"
          })
          const stored = yield* storedOf(drafts)
          assert.lengthOf(stored, 1)
          drafts.forEach((draft, index) => {
            assert.strictEqual(Exit.isSuccess(outcomes[index]!), draft.formData === stored[0]?.formData)
          })
        })
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
        { given: Schema.Array(Judged).check(Schema.isMaxLength(8)), chosen: Schema.Int },
        ({ chosen, given }) =>
          Effect.gen(function* () {
            const repo = yield* SubmissionRepo
            const drafts = given.map((judged, index) => draft({ receivedAt: start + index, ...judged }))
            yield* Effect.forEach(drafts, repo.submit)
            const own = new Set(drafts.map(({ submissionId }) => submissionId))
            const stored = (status?: Status) =>
              Stream.runCollect(repo.stream({ websiteConfigId: websites[0], status })).pipe(
                Effect.map((all) => all.filter(({ submissionId }) => own.has(submissionId)))
              )
            const expected = drafts.map(withoutKey)
            for (const status of [...statuses, undefined]) {
              const wanted = expected.filter((one) => status === undefined || one.status === status)
              assert.deepStrictEqual(yield* stored(status), wanted)
            }
            if (expected.length === 0) return
            const index = Math.abs(chosen) % expected.length
            const { submissionId } = expected[index]!
            // Twice: a release of an accepted submission has no effect.
            for (let turn = 0; turn < 2; turn++) assert.isTrue(yield* repo.release(submissionId))
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
          for (const id of [randomUUID(), "no uuid", ""]) assert.isFalse(yield* repo.release(id))
        })
      )

      it.effect(
        "a deleted submission is gone, other submissions stay, and an unknown submission cannot be deleted",
        () =>
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
            for (const id of [randomUUID(), "no uuid", ""]) assert.isFalse(yield* repo.delete(id))
          })
      )

      it.effect("the key of a deleted submission can be used again, with any content", () =>
        Effect.gen(function* () {
          const repo = yield* SubmissionRepo
          for (const formData of ["{}", '{"another":1}']) {
            const key = randomUUID()
            const [first, other] = [draft({ key }), draft({ key: randomUUID() })]
            yield* Effect.forEach([first, other], repo.submit)
            yield* repo.delete(first.submissionId)
            const again = draft({ key, formData })
            assert.strictEqual(yield* repo.submit(again), again.submissionId)
            assert.deepStrictEqual(yield* storedOf([first, again]), [withoutKey(again)])
            // The other submission's key is still valid.
            assert.strictEqual(yield* repo.submit({ ...other, submissionId: randomUUID() }), other.submissionId)
          }
        })
      )

      it.effect("streams a website's submissions from `since` on, oldest first, each once", () =>
        Effect.gen(function* () {
          const repo = yield* SubmissionRepo
          // Many submissions share few times, so that pages end between equal times.
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
