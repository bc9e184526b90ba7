import { assert, it } from "@effect/vitest"
import { type Activity, type Feed, reduce } from "../../src/console/live/Entries.ts"
import { SubmissionId } from "../../src/platform/Id.ts"

it("console/live/Entries: a new stream does not repeat a submission that was released meanwhile", () => {
  const activity = (status: "accepted" | "quarantined"): ReadonlyArray<Activity> => [
    {
      type: "submission",
      received_at: "2026-11-25T09:00:00.000Z",
      submission_id: SubmissionId.make("6f1f4c1e-9b0b-4a4e-8d5f-0a6f5d2b7c11"),
      status,
      page_slug: null
    }
  ]
  const begun: Feed = { visitors: null, entries: [], isBroken: false }
  const first = reduce(begun, { kind: "latest", change: { visitors: 1, activity: activity("quarantined") } })
  const second = reduce(first, { kind: "latest", change: { visitors: 1, activity: activity("accepted") } })
  assert.lengthOf(second.entries, 1)
})
