/**
 * The services that requests of visitors need, in memory, to run the service without a database. The services of a website's
 * owner are absent: calling one is a defect, which names it. Tests of those use `Storages.postgres`.
 *
 * @module
 */
import { Effect, Layer, Option } from "effect"
import type * as App from "../../src/App.ts"
import { SiteActivity } from "../../src/activity/Activity.ts"
import { Attention } from "../../src/activity/Attention.ts"
import * as AnalyticsRepo from "../../src/analytics/AnalyticsRepo.ts"
import { Goals } from "../../src/analytics/Goal.ts"
import { Leads } from "../../src/analytics/Lead.ts"
import { Reports } from "../../src/analytics/reports/Reports.ts"
import * as VisitorSalts from "../../src/analytics/VisitorSalts.ts"
import { AgentFailures } from "../../src/chat/AgentFailures.ts"
import type { Instance } from "../../src/chat/Instance.ts"
import * as InstanceDirectory from "../../src/chat/InstanceDirectory.ts"
import { Transcripts } from "../../src/chat/Transcripts.ts"
import * as WidgetTokens from "../../src/chat/WidgetTokens.ts"
import { Deliveries } from "../../src/delivery/Delivery.ts"
import { Notifications } from "../../src/delivery/mail/Notification.ts"
import { Replies } from "../../src/delivery/mail/Reply.ts"
import { Webhooks } from "../../src/delivery/Webhook.ts"
import { FormDirectory } from "../../src/forms/FormRules.ts"
import { noMarks } from "../../src/forms/SpamScore.ts"
import { Problems } from "../../src/health/Problem.ts"
import { Persons } from "../../src/privacy/Person.ts"
import { Readiness } from "../../src/server/Readiness.ts"
import { ConsoleSessions } from "../../src/sites/access/ConsoleSession.ts"
import { OwnerKeys } from "../../src/sites/access/OwnerKey.ts"
import { People } from "../../src/sites/access/Person.ts"
import { Shares } from "../../src/sites/access/Share.ts"
import { Decisions } from "../../src/sites/Decisions.ts"
import type { Site } from "../../src/sites/Site.ts"
import * as SiteDirectory from "../../src/sites/SiteDirectory.ts"
import * as Sites from "../../src/sites/SiteDirectory.ts"
import { RecordSites } from "../../src/sites/SiteDirectory.ts"
import { SiteErasure } from "../../src/sites/SiteErasure.ts"
import * as MemoryConversationStore from "./MemoryConversationStore.ts"
import * as MemorySubmissions from "./MemorySubmissions.ts"
import * as MemoryTokenBudget from "./MemoryTokenBudget.ts"

/** The services of a storage. */
export type Storage = Layer.Success<ReturnType<typeof App.storage>>

/** What requests of visitors write and only an owner reads: accepted and dropped. */
const dropped = Layer.mergeAll(
  Layer.mock(Leads)({ addChat: () => Effect.void }),
  Layer.mock(Decisions)({ record: () => Effect.void }),
  Layer.mock(AgentFailures)({ record: () => Effect.void, flush: Effect.void })
)

/** No form has rules. */
const withoutRules = Layer.unwrap(
  Effect.map(Sites.SiteDirectory, ({ byWebsiteConfigId }) =>
    Layer.mock(FormDirectory)({
      bySite: (id) =>
        Effect.map(
          byWebsiteConfigId(id),
          Option.map((site) => ({ site, forms: new Map(), marks: noMarks }))
        )
    })
  )
)

const ofOwners = Layer.mergeAll(
  Layer.mock(Goals)({}),
  Layer.mock(Reports)({}),
  Layer.mock(SiteActivity)({}),
  Layer.mock(Problems)({}),
  Layer.mock(Attention)({}),
  Layer.mock(Transcripts)({}),
  Layer.mock(Deliveries)({}),
  Layer.mock(Webhooks)({}),
  Layer.mock(Notifications)({}),
  Layer.mock(Replies)({}),
  Layer.mock(Persons)({}),
  Layer.mock(ConsoleSessions)({}),
  Layer.mock(OwnerKeys)({}),
  Layer.mock(People)({}),
  Layer.mock(Shares)({}),
  Layer.mock(RecordSites)({}),
  Layer.mock(SiteErasure)({})
)

export interface Options {
  readonly sites?: ReadonlyArray<Site>
  readonly instances?: ReadonlyArray<Instance>
}

export const layer = ({ instances = [], sites = [] }: Options = {}): Layer.Layer<Storage> =>
  Layer.mergeAll(
    AnalyticsRepo.layerMemory(),
    MemorySubmissions.layer(),
    Layer.merge(WidgetTokens.layerMemory, MemoryConversationStore.layer).pipe(
      Layer.provideMerge(InstanceDirectory.layerMemory({ instances }))
    ),
    withoutRules.pipe(Layer.provideMerge(SiteDirectory.layerMemory({ sites }))),
    MemoryTokenBudget.layer,
    VisitorSalts.layerMemory,
    Layer.mock(Readiness)({ check: Effect.void }),
    dropped,
    ofOwners
  )
