import { Effect, Layer } from "effect"
import * as AnalyticsRepo from "../../../src/memory/analytics/AnalyticsRepo.ts"
import * as AnalyticsRows from "../../../src/memory/analytics/AnalyticsRows.ts"
import { Conversions } from "../../../src/memory/analytics/Conversions.ts"
import * as Leads from "../../../src/memory/analytics/Leads.ts"
import * as ConversationStore from "../../../src/memory/chat/ConversationStore.ts"
import * as InstanceDirectory from "../../../src/memory/chat/InstanceDirectory.ts"
import * as SubmissionRepo from "../../../src/memory/forms/SubmissionRepo.ts"
import * as Decisions from "../../../src/memory/sites/Decisions.ts"
import * as SiteDirectory from "../../../src/memory/sites/SiteDirectory.ts"
import * as SiteErasure from "../../../src/memory/sites/SiteErasure.ts"
import { suite } from "../../suites/Leads.ts"

const live = Layer.mergeAll(Leads.layer, SiteErasure.layer, AnalyticsRepo.layer).pipe(
  Layer.provideMerge(
    Layer.mergeAll(
      AnalyticsRows.layer,
      SubmissionRepo.layer(),
      Layer.merge(Decisions.layer(), ConversationStore.layer()).pipe(
        Layer.provideMerge(Layer.merge(SiteDirectory.layer(), InstanceDirectory.layer()))
      )
    )
  )
)

suite("memory/analytics/Leads", live, (hostedWebsiteId) =>
  Effect.map(Conversions, (conversions) => conversions.all().filter((one) => one.hostedWebsiteId === hostedWebsiteId))
)
