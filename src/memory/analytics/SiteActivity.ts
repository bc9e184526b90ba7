/**
 * Reads the recent activity of a website from the memory of this process.
 *
 * @module
 */
import { Effect, Layer } from "effect"
import * as Activities from "../../core/analytics/SiteActivity.ts"
import { SiteActivity } from "../../services/analytics/SiteActivity.ts"
import { ConversationStore } from "../../services/chat/ConversationStore.ts"
import { InstanceDirectory } from "../../services/chat/InstanceDirectory.ts"
import { Submissions } from "../forms/SubmissionRepo.ts"
import { Events } from "./Events.ts"
import { PageViews } from "./PageViews.ts"

export const layer: Layer.Layer<
  SiteActivity,
  never,
  PageViews | Events | Submissions | InstanceDirectory | ConversationStore
> = Layer.effect(
  SiteActivity,
  Effect.gen(function* () {
    const views = yield* PageViews
    const events = yield* Events
    const submissions = yield* Submissions
    const directory = yield* InstanceDirectory
    const store = yield* ConversationStore

    const conversations = Effect.fnUntraced(function* (websiteConfigId: string) {
      const instances = (yield* directory.list).filter((instance) => instance.websiteConfigId === websiteConfigId)
      const perInstance = yield* Effect.forEach(instances, ({ instanceId }) =>
        Effect.map(
          store.list({ instanceId, limit: Number.MAX_SAFE_INTEGER, before: null }),
          (summaries): ReadonlyArray<Activities.Activity> =>
            summaries.map(({ conversationId, createdAt }) => ({
              type: "conversation",
              receivedAt: createdAt,
              instanceId,
              conversationId
            }))
        )
      )
      return perInstance.flat()
    })

    return SiteActivity.of({
      latest: ({ hostedWebsiteId, websiteConfigId }, limit) =>
        Effect.map(conversations(websiteConfigId), (conversationActivities) => {
          const isOf = (row: { readonly hostedWebsiteId: string }) => row.hostedWebsiteId === hostedWebsiteId
          return Activities.latest(
            [
              views
                .all()
                .filter((view) => isOf(view) && view.exclusion === null)
                .map(Activities.ofView),
              events.all().filter(isOf).map(Activities.ofEvent),
              submissions
                .all()
                .filter((submission) => submission.websiteConfigId === websiteConfigId)
                .map(Activities.ofSubmission),
              conversationActivities
            ],
            limit
          )
        })
    })
  })
)
