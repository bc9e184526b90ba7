import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { SubmissionRepo } from "../../src/forms/SubmissionRepo.ts"
import { suite } from "../suites/SubmissionRepo.ts"
import { draft, unknownWebsite } from "../support/TestSubmissions.ts"

suite(
  "forms/SubmissionRepo",
  SubmissionRepo.layerMemory({ isKnownSite: (websiteConfigId) => websiteConfigId !== unknownWebsite })
)

it.effect("forms/SubmissionRepo: at its capacity, refuses new submissions and accepts retries of stored ones", () =>
  Effect.gen(function* () {
    const repo = yield* SubmissionRepo
    const first = draft({ key: "a" })
    yield* repo.submit(first)
    yield* repo.submit(draft({}))
    assert.deepInclude(yield* Effect.flip(repo.submit(draft({}))), {
      _tag: "StorageUnavailable",
      reason: "overloaded"
    })
    assert.strictEqual(yield* repo.submit(draft({ key: "a" })), first.submissionId)
  }).pipe(Effect.provide(SubmissionRepo.layerMemory({ capacity: 2 })))
)
