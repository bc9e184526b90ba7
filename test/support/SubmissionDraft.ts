/**
 * Drafts of submissions, for tests that store them.
 *
 * @module
 */
import type { SubmissionDraft } from "../../src/forms/Submission.ts"
import { SubmissionId, type WebsiteConfigId } from "../../src/platform/Id.ts"
import * as TestTime from "./TestTime.ts"

export const make = (websiteConfigId: WebsiteConfigId, more: Partial<SubmissionDraft> = {}): SubmissionDraft => ({
  submissionId: SubmissionId.make(crypto.randomUUID()),
  websiteConfigId,
  receivedAt: TestTime.ofMachine(),
  email: "ada@example.com",
  pageSlug: "contact",
  formData: '{"message":"Hello\\u0000"}',
  status: "accepted",
  reasons: [],
  visitorHashes: [],
  idempotency: null,
  ...more
})
