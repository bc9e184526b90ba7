/**
 * The tests of `SubmissionRepo` about idempotency keys.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { assert, type Vitest } from "@effect/vitest"
import { Effect, Exit, Result, Schema } from "effect"
import type { Inbox } from "../../src/forms/Inbox.ts"
import { idempotencyWindowMillis, type Submission, type SubmissionDraft } from "../../src/forms/Submission.ts"
import { SubmissionRepo } from "../../src/forms/SubmissionRepo.ts"
import { asStored, draft, start, storedOf, websites } from "../support/TestSubmissions.ts"

const Step = Schema.Struct({
  website: Schema.Literals([0, 1]),
  key: Schema.Literals(["none", "a", "b"]),
  content: Schema.Literals(["{}", '{"a":1}']),
  /** Milliseconds since the previous submission: none, up to the end of the window, or beyond it. */
  wait: Schema.Literals([0, 1, idempotencyWindowMillis - 1, idempotencyWindowMillis, idempotencyWindowMillis + 1])
})

const maxSteps = 12

export const suite = (it: Vitest.MethodsNonLive<SubmissionRepo | Inbox>) => {
  let begin = start
  it.effect.prop(
    "a key is valid for 24 hours: a retry is not stored, and different content is a conflict",
    { steps: Schema.Array(Step).check(Schema.isMaxLength(maxSteps)) },
    ({ steps }) =>
      Effect.gen(function* () {
        const repo = yield* SubmissionRepo
        const run = randomUUID()
        const firstByKey = new Map<string, SubmissionDraft>()
        const drafts: Array<SubmissionDraft> = []
        const expected: Array<Submission> = []
        let now = begin
        // The next run begins later, so that it reads its own submissions only.
        begin += (maxSteps + 1) * (idempotencyWindowMillis + 1)
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
          const siteAndKey = `${website} ${key}`
          const first = firstByKey.get(siteAndKey)
          if (key !== "none" && first !== undefined && now - first.receivedAt <= idempotencyWindowMillis) {
            if (first.formData === content) assert.deepStrictEqual(outcome, Result.succeed(first.submissionId))
            else assert.isTrue(Result.isFailure(outcome) && outcome.failure._tag === "IdempotencyConflict")
            continue
          }
          assert.deepStrictEqual(outcome, Result.succeed(next.submissionId))
          expected.push(asStored(next))
          if (key !== "none") firstByKey.set(siteAndKey, next)
        }
        const byId = (left: Submission, right: Submission) => (left.submissionId < right.submissionId ? -1 : 1)
        assert.deepStrictEqual([...(yield* storedOf(drafts))].sort(byId), [...expected].sort(byId))
      }),
    { arbitrary: { runs: 40 } }
  )

  it.effect("of concurrent retries with one key, one is stored, and all get its id", () =>
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

  it.effect("of concurrent submissions with one key, one is stored, and those with other content fail", () =>
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
}
