/**
 * The tests that every layer of `SubmissionRepo` must pass. Tests may share a store, so each uses its own
 * ids and keys.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { assert, describe, layer as withLayer } from "@effect/vitest"
import { Effect, type Layer, Result, Schema } from "effect"
import type { Inbox } from "../../src/forms/Inbox.ts"
import { statuses } from "../../src/forms/Submission.ts"
import { SubmissionRepo } from "../../src/forms/SubmissionRepo.ts"
import { asStored, draft, storedOf, unknownWebsite, websites } from "../support/TestSubmissions.ts"
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

const Content = Schema.Struct({
  email: Schema.NullOr(Text),
  pageSlug: Schema.NullOr(Text),
  fields: FormData,
  decision: Decision
})

export const suite = <E>(name: string, layer: Layer.Layer<SubmissionRepo | Inbox, E>) =>
  describe(name, () => {
    withLayer(layer, { excludeTestServices: true })((it) => {
      Idempotency.suite(it)

      it.effect.prop(
        "submissions are read byte for byte as they were stored",
        // Several at once, because a run reads all that the website has.
        { contents: Schema.Array(Content).check(Schema.isMinLength(5), Schema.isMaxLength(5)) },
        ({ contents }) =>
          Effect.gen(function* () {
            const repo = yield* SubmissionRepo
            const drafts = contents.map(({ decision, email, fields, pageSlug }) =>
              draft({ websiteConfigId: websites[2], email, pageSlug, formData: formDataOf(fields), ...decision })
            )
            const ids = drafts.map(({ submissionId }) => submissionId)
            assert.deepStrictEqual(yield* Effect.forEach(drafts, repo.submit, { concurrency: "unbounded" }), ids)
            assert.sameDeepMembers(yield* storedOf(drafts), drafts.map(asStored))
          }),
        { arbitrary: { runs: 10 } }
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
    })
  })
