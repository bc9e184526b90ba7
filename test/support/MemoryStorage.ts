/**
 * The services that requests of visitors need, in memory, to run the service without a database. The services of a website's
 * owner are absent: calling one is a defect, which names it. Tests of those use `Storages.postgres`.
 *
 * @module
 */
import { Effect, Layer, Option } from "effect"
import type * as App from "../../src/App.ts"
import { Goals } from "../../src/analytics/Goal.ts"
import type { Instance } from "../../src/core/chat/Instance.ts"
import type { Site } from "../../src/core/sites/Site.ts"
import { FormDirectory } from "../../src/forms/FormDirectory.ts"
import { Inbox } from "../../src/forms/Inbox.ts"
import { SubmissionRepo } from "../../src/forms/SubmissionRepo.ts"
import * as AnalyticsRepo from "../../src/memory/analytics/AnalyticsRepo.ts"
import * as PageViews from "../../src/memory/analytics/PageViews.ts"
import * as VisitorSalts from "../../src/memory/analytics/VisitorSalts.ts"
import * as ConversationStore from "../../src/memory/chat/ConversationStore.ts"
import * as InstanceDirectory from "../../src/memory/chat/InstanceDirectory.ts"
import * as TokenBudget from "../../src/memory/chat/TokenBudget.ts"
import * as WidgetTokens from "../../src/memory/chat/WidgetTokens.ts"
import * as SiteDirectory from "../../src/memory/sites/SiteDirectory.ts"
import { AnalyticsExport } from "../../src/services/analytics/AnalyticsExport.ts"
import { EventRepo } from "../../src/services/analytics/EventRepo.ts"
import { Leads } from "../../src/services/analytics/Leads.ts"
import { Reports } from "../../src/services/analytics/Reports.ts"
import { SiteActivity } from "../../src/services/analytics/SiteActivity.ts"
import { Transcripts } from "../../src/services/chat/Transcripts.ts"
import { Deliveries } from "../../src/services/delivery/Deliveries.ts"
import { Webhooks } from "../../src/services/delivery/Webhooks.ts"
import { Notifications } from "../../src/services/mail/Notifications.ts"
import { Persons } from "../../src/services/persons/Persons.ts"
import { Readiness } from "../../src/services/Readiness.ts"
import { ConsoleSessions } from "../../src/services/sites/ConsoleSessions.ts"
import { CreationTurns } from "../../src/services/sites/CreationTurns.ts"
import { Decisions } from "../../src/services/sites/Decisions.ts"
import { OwnerKeys } from "../../src/services/sites/OwnerKeys.ts"
import { Shares } from "../../src/services/sites/Shares.ts"
import * as Sites from "../../src/services/sites/SiteDirectory.ts"
import { SiteErasure } from "../../src/services/sites/SiteErasure.ts"

/** The services of a storage. */
export type Storage = Layer.Success<ReturnType<typeof App.storage>>

/** What requests of visitors write and only an owner reads: accepted and dropped. */
const dropped = Layer.mergeAll(
  Layer.mock(EventRepo)({ append: () => Effect.void }),
  Layer.mock(Leads)({ addChat: () => Effect.void }),
  Layer.mock(Decisions)({ record: () => Effect.void })
)

/** No form has rules. */
const withoutRules = Layer.unwrap(
  Effect.map(Sites.SiteDirectory, ({ byWebsiteConfigId }) =>
    Layer.mock(FormDirectory)({
      bySite: (id) =>
        Effect.map(
          byWebsiteConfigId(id),
          Option.map((site) => ({ site, forms: new Map() }))
        )
    })
  )
)

const ofOwners = Layer.mergeAll(
  Layer.mock(AnalyticsExport)({}),
  Layer.mock(Goals)({}),
  Layer.mock(Reports)({}),
  Layer.mock(SiteActivity)({}),
  Layer.mock(Transcripts)({}),
  Layer.mock(Deliveries)({}),
  Layer.mock(Webhooks)({}),
  Layer.mock(Inbox)({}),
  Layer.mock(Notifications)({}),
  Layer.mock(Persons)({}),
  Layer.mock(ConsoleSessions)({}),
  Layer.mock(CreationTurns)({ inTurn: () => () => Effect.die("Creations need PostgreSQL.") }),
  Layer.mock(OwnerKeys)({}),
  Layer.mock(Shares)({}),
  Layer.mock(SiteErasure)({})
)

export interface Options {
  readonly sites?: ReadonlyArray<Site>
  readonly instances?: ReadonlyArray<Instance>
}

export const layer = ({ instances = [], sites = [] }: Options = {}): Layer.Layer<Storage> =>
  Layer.mergeAll(
    AnalyticsRepo.layer.pipe(Layer.provide(PageViews.layer())),
    SubmissionRepo.layerMemory(),
    Layer.merge(WidgetTokens.layer, ConversationStore.layer()).pipe(
      Layer.provideMerge(InstanceDirectory.layer({ instances }))
    ),
    withoutRules.pipe(Layer.provideMerge(SiteDirectory.layer({ sites }))),
    TokenBudget.layer,
    VisitorSalts.layer,
    Layer.mock(Readiness)({ check: Effect.void }),
    dropped,
    ofOwners
  )
