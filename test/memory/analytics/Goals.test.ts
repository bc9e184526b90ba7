import { Layer } from "effect"
import * as AnalyticsRows from "../../../src/memory/analytics/AnalyticsRows.ts"
import * as Goals from "../../../src/memory/analytics/Goals.ts"
import * as ConversationStore from "../../../src/memory/chat/ConversationStore.ts"
import * as InstanceDirectory from "../../../src/memory/chat/InstanceDirectory.ts"
import * as SubmissionRepo from "../../../src/memory/forms/SubmissionRepo.ts"
import * as Decisions from "../../../src/memory/sites/Decisions.ts"
import * as SiteDirectory from "../../../src/memory/sites/SiteDirectory.ts"
import * as SiteErasure from "../../../src/memory/sites/SiteErasure.ts"
import { suite } from "../../suites/Goals.ts"

suite(
  "memory/analytics/Goals",
  Layer.mergeAll(Goals.layer, SiteErasure.layer).pipe(
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
)
