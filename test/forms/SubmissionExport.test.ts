import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import type { Submission } from "../../src/forms/Submission.ts"
import { statuses } from "../../src/forms/Submission.ts"
import * as SubmissionExport from "../../src/forms/SubmissionExport.ts"
import { SubmissionId, WebsiteConfigId } from "../../src/platform/Id.ts"
import * as TerminalText from "../../src/platform/text/TerminalText.ts"

const Hex = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffffffff }))
const Time = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 4_000_000_000_000 }))
const Text = Schema.NullOr(Schema.TemplateLiteral([Schema.Literals(["", "=", '"', "\r\n", "-"]), Schema.String]))

/** Records, which `submissionOf` turns into JSON, and JSON texts that `JSON.parse` does not preserve. */
const FormData = Schema.Union([
  Schema.Record(Schema.String, Schema.NullOr(Schema.Union([Schema.String, Schema.Int, Schema.Array(Schema.String)]))),
  Schema.Literals([
    '{"n":12345678901234567890123,"m":1e400,"z":1.0}',
    '{"a":"\\ud800","b":"\\u0000"}',
    '{"__proto__":{"x":1},"a":1,"a":2}',
    "{}"
  ])
])

const SubmissionParts = Schema.Struct({
  id: Hex,
  receivedAt: Time,
  email: Text,
  pageSlug: Text,
  formData: FormData,
  status: Schema.Literals(statuses),
  reasons: Schema.Array(Schema.Literals(["honeypot", "links"])),
  attribution: Schema.Struct({ source: Text, medium: Text, campaign: Text, referrer: Text, entryPage: Text })
})

const submissionOf = (parts: typeof SubmissionParts.Type): Submission => ({
  submissionId: SubmissionId.make(`${parts.id.toString(16).padStart(8, "0")}-0000-4000-8000-000000000000`),
  websiteConfigId: WebsiteConfigId.make("0f8fad5b-d9cb-469f-a165-70867728950e"),
  receivedAt: parts.receivedAt,
  email: parts.email,
  pageSlug: parts.pageSlug,
  formData: typeof parts.formData === "string" ? parts.formData : JSON.stringify(parts.formData),
  status: parts.status,
  reasons: parts.reasons,
  attribution: parts.attribution
})

describe("forms/SubmissionExport", () => {
  it.prop("a line of NDJSON is one line and holds the submission", [SubmissionParts], ([parts]) => {
    const submission = submissionOf(parts)
    const line = SubmissionExport.ndjson(submission)
    assert.strictEqual(line.indexOf("\n"), line.length - 1)
    assert.deepStrictEqual(JSON.parse(line), {
      submission_id: submission.submissionId,
      received_at: new Date(submission.receivedAt).toISOString(),
      email: submission.email,
      page_slug: submission.pageSlug,
      status: submission.status,
      reasons: submission.reasons,
      source: submission.attribution.source,
      medium: submission.attribution.medium,
      campaign: submission.attribution.campaign,
      referrer: submission.attribution.referrer,
      entry_page: submission.attribution.entryPage,
      form_data: JSON.parse(submission.formData)
    })
  })

  it.prop(
    "a line of NDJSON has the form's JSON text as it was stored, with control characters escaped",
    [SubmissionParts],
    ([parts]) => {
      const submission = submissionOf(parts)
      const line = SubmissionExport.ndjson(submission)
      assert.isTrue(line.endsWith(`,"form_data":${TerminalText.inertJson(submission.formData)}}\n`))
      assert.match(line, /^[^\p{Cc}\p{Bidi_C}\u2028\u2029]*\n$/u)
    }
  )
})
