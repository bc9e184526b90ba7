import { suite } from "../suites/SubmissionRepo.ts"
import * as MemorySubmissions from "../support/MemorySubmissions.ts"
import { unknownWebsite } from "../support/TestSubmissions.ts"

suite(
  "forms/SubmissionRepo",
  MemorySubmissions.layer({ isKnownSite: (websiteConfigId) => websiteConfigId !== unknownWebsite })
)
