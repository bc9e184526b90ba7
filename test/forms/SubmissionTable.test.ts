import { assert, describe, it } from "@effect/vitest"
import { noAttribution } from "../../src/analytics/Lead.ts"
import type { Message } from "../../src/forms/Inbox.ts"
import * as SubmissionExport from "../../src/forms/SubmissionExport.ts"
import { SubmissionId, WebsiteConfigId } from "../../src/platform/Id.ts"
import * as CsvReader from "../support/CsvReader.ts"
import { id } from "../support/Ids.ts"

const message = (formData: string): Message => ({
  submissionId: SubmissionId.make("0d3b7c52-6f0e-4c8e-a1d7-5e0f4b9c2a63"),
  websiteConfigId: id(WebsiteConfigId, "w"),
  receivedAt: 0,
  email: "ada@example.org",
  pageSlug: null,
  formData,
  status: "quarantined",
  reasons: ["links", "fast"],
  isRead: false,
  conversation: null,
  answer: null,
  deletedAt: null,
  attribution: { ...noAttribution, source: "letter" }
})

const table = (forms: ReadonlyArray<string>, formsAfterHeader: ReadonlyArray<string> = []) => {
  const columns: SubmissionExport.Columns = new Set()
  for (const form of forms) SubmissionExport.addColumns(columns, form)
  const rows = [...forms, ...formsAfterHeader].map((form) =>
    SubmissionExport.csv(message(form), columns, "Asia/Kolkata")
  )
  return CsvReader.read(SubmissionExport.csvHeader(columns, "Asia/Kolkata") + rows.join(""))
}

describe("forms/SubmissionExport", () => {
  it("a table has a column for each field, in the order of first appearance, and the values of a repeated field share a cell", () => {
    const [header = [], first, second] = table([
      '{"name":"Ada","email":"form@example.org","tags":["a",1]}',
      '{"message":"Hi","name":"Bo","name":"Cy"}'
    ])
    assert.deepStrictEqual(header.slice(12), ["name", "email (form)", "tags", "message", "other_fields"])
    assert.deepStrictEqual(header.slice(1, 3), ["received_at", "received_at (Asia/Kolkata)"])
    assert.deepStrictEqual(first?.slice(1, 3), ["1970-01-01T00:00:00.000Z", "1970-01-01 05:30:00"])
    assert.deepStrictEqual(first?.slice(3, 6), ["quarantined", "links fast", "ada@example.org"])
    assert.deepStrictEqual(first?.slice(12), ["Ada", "form@example.org", '["a",1]', "", ""])
    assert.deepStrictEqual(second?.slice(12), ["Bo\\u000aCy", "", "", "Hi", ""])
  })

  it("times are repeated in the website's time zone only if it is another than theirs", () => {
    const header = CsvReader.read(SubmissionExport.csvHeader(new Set(), "UTC"))[0] ?? []
    const row = CsvReader.read(SubmissionExport.csv(message("{}"), new Set(), "UTC"))[0]
    assert.deepStrictEqual(header.slice(1, 3), ["received_at", "status"])
    assert.deepStrictEqual(row?.slice(1, 3), ["1970-01-01T00:00:00.000Z", "quarantined"])
  })

  it("fields without their own column are in the last column", () => {
    const many = Object.fromEntries(Array.from({ length: 250 }, (_, index) => [`f${index}`, String(index)]))
    const [header = [], first, late] = table([JSON.stringify(many)], ['{"new":"x"}'])
    assert.lengthOf(header, 12 + 200 + 1)
    const others = JSON.parse(first?.at(-1) ?? "") as ReadonlyArray<readonly [string, string]>
    assert.deepStrictEqual([others.length, others[0]], [50, ["f200", "200"]])
    assert.strictEqual(late?.at(-1), '[["new","x"]]')
  })
})
