import { Effect, Layer, Stream } from "effect"
import * as MemorySubmissionRepo from "../../src/memory/forms/SubmissionRepo.ts"
import { layer } from "../../src/memory/Readiness.ts"
import { SubmissionRepo } from "../../src/services/forms/SubmissionRepo.ts"
import { suite, write } from "../suites/Readiness.ts"
import { websites } from "../support/TestSubmissions.ts"

const capacity = 4

suite("memory/Readiness", Layer.provideMerge(layer, MemorySubmissionRepo.layer({ capacity })), {
  begin: Effect.ignore(Effect.forEach(Array.from({ length: capacity }), () => write)),
  end: SubmissionRepo.use((repo) =>
    Stream.runForEach(repo.stream({ websiteConfigId: websites[0] }), ({ submissionId }) => repo.delete(submissionId))
  )
})
