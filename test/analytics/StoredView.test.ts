import { assert, it } from "@effect/vitest"
import * as StoredView from "../../src/analytics/StoredView.ts"
import { Shape, viewOf } from "../suites/PageViews.ts"

it.prop("analytics/StoredView: a page view is the same after its columns were stored and read", [Shape], ([shape]) => {
  const view = { ...viewOf("website", shape), exclusion: null }
  const row = Object.fromEntries(StoredView.columns.map(({ name, of }) => [name, of(view)]))
  assert.deepStrictEqual(
    StoredView.fromRow({ ...row, at: view.receivedAt } as typeof StoredView.Row.Type, "website"),
    view
  )
})
