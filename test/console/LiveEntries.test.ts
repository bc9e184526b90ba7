import { assert, it } from "@effect/vitest"
import type { LiveChange } from "../../src/activity/OwnerActivityApi.ts"
import { type Activity, type Feed, reduce } from "../../src/console/live/Entries.ts"
import { SubmissionId } from "../../src/platform/Id.ts"

const begun: Feed = { visitors: null, visits: [], entries: [], viewedAt: null, isBroken: false }

const nothing: LiveChange = { visitors: 0, visits: [], activity: [] }

it("console/live/Entries: each message replaces the visits, and page views are no entries", () => {
  const view = {
    type: "pageview",
    received_at: "2026-11-25T09:00:00.000Z",
    path: "/",
    source: null,
    country: null,
    device: null,
    browser: null
  } as const
  const visit = {
    key: "a",
    started_at: view.received_at,
    page: "/",
    pageviews: 1,
    source: null,
    country: null,
    device: null,
    browser: null
  }
  const first = reduce(begun, { kind: "latest", change: { visitors: 1, visits: [visit], activity: [view] } })
  assert.deepStrictEqual(first, { ...begun, visitors: 1, visits: [visit], viewedAt: view.received_at })
  const later = { ...view, received_at: "2026-11-25T09:01:00.000Z" }
  const second = reduce(first, { kind: "change", change: { ...nothing, activity: [later, view] } })
  assert.deepStrictEqual(second, { ...begun, visitors: 0, viewedAt: later.received_at })
})

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
  const first = reduce(begun, { kind: "latest", change: { ...nothing, activity: activity("quarantined") } })
  const second = reduce(first, { kind: "latest", change: { ...nothing, activity: activity("accepted") } })
  assert.lengthOf(second.entries, 1)
})
