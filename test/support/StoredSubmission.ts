/** A stored submission, for tests of its exports, mails and events. */
import { noAttribution } from "../../src/analytics/Lead.ts"
import type { Submission } from "../../src/forms/Submission.ts"
import { SubmissionId, WebsiteConfigId } from "../../src/platform/Id.ts"

export const stored = (more: Partial<Submission> = {}): Submission => ({
  submissionId: SubmissionId.make("0d3b7c52-6f0e-4c8e-a1d7-5e0f4b9c2a63"),
  websiteConfigId: WebsiteConfigId.make("5a2f4e4c-30a6-4d0c-9b8a-3f1f8c9a7e21"),
  receivedAt: Date.UTC(2026, 10, 25, 9),
  email: "ada@example.org",
  pageSlug: "contact",
  formData: JSON.stringify({ name: "Ada", message: "Hello\nthere" }),
  status: "accepted",
  reasons: [],
  attribution: noAttribution,
  ...more
})
