/**
 * Deletes a website and its data from the memory of this process.
 *
 * @module
 */
import { Effect, Layer, Option, Stream } from "effect"
import type { Subject } from "../../core/sites/Decision.ts"
import { ConversationStore } from "../../services/chat/ConversationStore.ts"
import { InstanceDirectory } from "../../services/chat/InstanceDirectory.ts"
import { SiteErasure } from "../../services/sites/SiteErasure.ts"
import { Conversions } from "../analytics/Conversions.ts"
import { Events } from "../analytics/Events.ts"
import { PageViews } from "../analytics/PageViews.ts"
import { DeliveryTables } from "../delivery/DeliveryTables.ts"
import { Submissions } from "../forms/SubmissionRepo.ts"
import { DecisionCounts } from "./Decisions.ts"
import * as Issued from "./IssuedCredentials.ts"
import { Sites } from "./SiteDirectory.ts"

export const layer: Layer.Layer<
  SiteErasure,
  never,
  | Sites
  | PageViews
  | Events
  | Conversions
  | Submissions
  | DeliveryTables
  | DecisionCounts
  | InstanceDirectory
  | ConversationStore
> = Layer.effect(
  SiteErasure,
  Effect.gen(function* () {
    const sites = yield* Sites
    const views = yield* PageViews
    const events = yield* Events
    const conversions = yield* Conversions
    const submissions = yield* Submissions
    const deliveries = yield* DeliveryTables
    const counts = yield* DecisionCounts
    const instances = yield* InstanceDirectory
    const store = yield* ConversationStore
    const credentials = yield* Issued.IssuedCredentials
    /** Deletes or detaches the website's instances, deletes their conversations, and returns the number of conversations. */
    const endInstances = Effect.fnUntraced(function* (websiteConfigId: string, withInstances: boolean) {
      let deleted = 0
      for (const instance of yield* instances.list) {
        if (instance.websiteConfigId !== websiteConfigId) continue
        const conversations = yield* Stream.runCollect(store.stream({ instanceId: instance.instanceId, since: null }))
        for (const { conversationId } of conversations) {
          if (yield* store.delete({ instanceId: instance.instanceId, conversationId })) deleted++
        }
        yield* withInstances
          ? instances.delete(instance.instanceId)
          : instances.update(instance.instanceId, { websiteConfigId: null })
      }
      return deleted
    })
    return {
      nameOf: (id) => Effect.sync(() => Option.map(Option.fromUndefinedOr(sites.get(id)), ({ name }) => name)),
      erase: (id, { withInstances } = { withInstances: false }) =>
        Effect.map(endInstances(id, withInstances), (deletedConversations) => {
          const site = sites.get(id)
          if (site === undefined) return Option.none()
          const { hostedWebsiteId, trackingToken, websiteConfigId } = site
          const isOf = (subject: Subject) =>
            (subject._tag === "Known" ? subject.websiteConfigId : subject.id) === websiteConfigId ||
            (subject._tag === "Claimed" && subject.id === trackingToken)
          sites.remove(site)
          deliveries.eraseWebsite(websiteConfigId)
          Issued.eraseWebsite(credentials, websiteConfigId)
          const erased = views.erase(hostedWebsiteId)
          const pageViews = erased.filter((view) => view.exclusion === null).length
          return Option.some({
            pageViews,
            botViews: erased.length - pageViews,
            events: events.erase(hostedWebsiteId).length,
            conversions: conversions.erase(hostedWebsiteId).length,
            ...submissions.erase(websiteConfigId),
            conversations: deletedConversations,
            decisionCounts: counts.remove(isOf).length
          })
        })
    }
  })
).pipe(Layer.provide(Issued.layer))
