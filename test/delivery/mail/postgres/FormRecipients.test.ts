import { assert, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { Notifications } from "../../../../src/delivery/mail/Notification.ts"
import { SubmissionRepo } from "../../../../src/forms/SubmissionRepo.ts"
import * as Delivery from "../../../support/Delivery.ts"
import * as TestClient from "../../../support/postgres/TestClient.ts"
import { draft } from "../../../support/TestSubmissions.ts"

const live = Delivery.postgresOn().pipe(Layer.provideMerge(TestClient.layer))

layer(live, { excludeTestServices: true })("delivery/mail/postgres: recipients of a form", (it) => {
  it.effect("get the submissions of their form only, and an address gets each submission once", () =>
    Effect.gen(function* () {
      const [notifications, repo] = [yield* Notifications, yield* SubmissionRepo]
      const websiteConfigId = yield* Delivery.newSite
      yield* notifications.add(websiteConfigId, { to: "all@example.com" })
      yield* notifications.add(websiteConfigId, { to: "both@example.com" })
      yield* notifications.add(websiteConfigId, { to: "both@example.com", page: "jobs", digest: "daily" })
      yield* notifications.add(websiteConfigId, { to: "jobs@example.com", page: "jobs" })
      // The same form again changes the notification, and adds none.
      yield* notifications.add(websiteConfigId, { to: "jobs@example.com", page: "jobs", digest: "15m" })
      assert.lengthOf(yield* notifications.list(websiteConfigId), 4)
      const recipientsOf = Effect.fnUntraced(function* (pageSlug: string | null) {
        const id = yield* repo.submit(draft({ websiteConfigId, pageSlug }))
        yield* Delivery.fanOutAll
        return (yield* notifications.ofSubmission(websiteConfigId, id)).map(({ to }) => to)
      })
      assert.sameMembers(yield* recipientsOf("jobs"), ["all@example.com", "both@example.com", "jobs@example.com"])
      assert.sameMembers(yield* recipientsOf("contact"), ["all@example.com", "both@example.com"])
      assert.sameMembers(yield* recipientsOf(null), ["all@example.com", "both@example.com"])
    })
  )
})
