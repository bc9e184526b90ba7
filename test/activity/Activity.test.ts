import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { type Activity, arrived, type SubmissionActivity } from "../../src/activity/Activity.ts"
import { InstanceId, SubmissionId } from "../../src/platform/Id.ts"
import * as Calendar from "../../src/platform/text/Calendar.ts"
import { id } from "../support/Ids.ts"

const List = Schema.Array(Schema.Literals([1, 2, 3, 4])).check(Schema.isMaxLength(8))

/** More than a list may have. */
const limit = 9

const activityOf = (time: number): SubmissionActivity => ({
  type: "submission",
  received_at: Calendar.iso(time),
  submission_id: id(SubmissionId, "a"),
  status: "accepted",
  page_slug: null
})

const count = (list: ReadonlyArray<Activity>, time: number): number =>
  list.filter((activity) => activity.received_at === Calendar.iso(time)).length

describe("activity/Activity", () => {
  it.prop(
    "returns the activities that the later list has in addition to the earlier one; repeated ones count separately",
    [List, List],
    ([earlier, later]) => {
      const [before, now] = [earlier.map(activityOf), later.map(activityOf)]
      const added = arrived(before, now, limit)
      for (const time of [1, 2, 3, 4]) {
        assert.strictEqual(count(added, time), Math.max(0, count(now, time) - count(before, time)))
      }
      assert.deepStrictEqual(arrived(before, before, limit), [])
      assert.deepStrictEqual(arrived([], now, limit), now)
    }
  )

  it("of two types, the oldest of the one does not hide the new of the other", () => {
    const before = Array.from({ length: limit }, (_, index) => activityOf(20 - index))
    const conversation: Activity = {
      type: "conversation",
      received_at: Calendar.iso(1),
      instance_id: id(InstanceId, "a"),
      conversation_id: "c"
    }
    assert.deepStrictEqual(arrived(before, [...before, conversation, activityOf(2)], limit), [conversation])
  })

  it("a submission that is released does not arrive again", () => {
    const accepted = activityOf(2)
    const quarantined: Activity = { ...accepted, status: "quarantined" }
    assert.deepStrictEqual(arrived([quarantined, activityOf(1)], [accepted, activityOf(1)], limit), [])
  })
})
