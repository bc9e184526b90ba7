/**
 * Reads what a website received lately from the memory of this process.
 *
 * @module
 */
import { Effect, Layer } from "effect"
import * as Activities from "../../core/analytics/SiteActivity.ts"
import { SiteActivity } from "../../services/analytics/SiteActivity.ts"
import { Submissions } from "../forms/SubmissionRepo.ts"
import { Events } from "./Events.ts"
import { PageViews } from "./PageViews.ts"

export const layer: Layer.Layer<SiteActivity, never, PageViews | Events | Submissions> = Layer.effect(
  SiteActivity,
  Effect.gen(function* () {
    const views = yield* PageViews
    const events = yield* Events
    const submissions = yield* Submissions
    return SiteActivity.of({
      latest: ({ hostedWebsiteId, websiteConfigId }, limit) =>
        Effect.sync(() => {
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
                .map(Activities.ofSubmission)
            ],
            limit
          )
        })
    })
  })
)
