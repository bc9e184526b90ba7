import { assert, describe, it } from "@effect/vitest"
import * as PersonRecords from "../../src/console/setup/PersonRecords.ts"
import * as Texts from "../../src/console/texts/Data.ts"

describe("console/setup/PersonRecords", () => {
  it("counts what an export contains, and names only what there is", () => {
    const lines = [
      { kind: "submission", replies: [{}, {}] },
      { kind: "delivery" },
      { kind: "submission" },
      { kind: "conversation" },
      { kind: "notification" }
    ].map((record) => `${JSON.stringify(record)}\n`)
    const counts = PersonRecords.countsOf(lines.join(""))
    assert.deepStrictEqual(counts, { submissions: 2, replies: 2, deliveries: 1, conversations: 1, notifications: 1 })
    assert.strictEqual(
      Texts.person.erased(counts),
      "Deleted: 2 submissions, 2 mailed replies, 1 conversation, 1 recipient of mails, and 1 delivery."
    )
    assert.isFalse(PersonRecords.isNothing(counts))
    assert.isTrue(PersonRecords.isNothing(PersonRecords.countsOf("")))
  })
})
