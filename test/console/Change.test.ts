import { assert, describe, it } from "@effect/vitest"
import { hides, of, type SharedChange } from "../../src/console/inbox/Change.ts"

const read: SharedChange = { ids: new Set(["a", "b"]), change: { isRead: true } }
const unread: SharedChange = { ids: new Set(["a"]), change: { isRead: false } }
const deleted: SharedChange = { ids: new Set(["a"]), change: { isDeleted: true } }

describe("console/inbox/Change", () => {
  it("the changes of a submission are joined, and the last one counts", () => {
    assert.deepStrictEqual(of([read, unread, deleted], "a"), { isRead: false, isDeleted: true })
    assert.deepStrictEqual(of([unread, read], "a"), { isRead: true })
    assert.deepStrictEqual(of([read, unread, deleted], "b"), { isRead: true })
    assert.deepStrictEqual(of([read, unread, deleted], "c"), {})
  })

  it("a deleted submission is hidden everywhere, and a released one in the quarantine", () => {
    assert.isTrue(hides("accepted", { isDeleted: true }))
    assert.isTrue(hides("quarantined", { isReleased: true }))
    assert.isFalse(hides("accepted", { isReleased: true }))
    assert.isFalse(hides("quarantined", { isRead: true }))
  })
})
