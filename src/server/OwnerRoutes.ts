/**
 * All routes of the owner API, without a server.
 *
 * @module
 */
import { Layer } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import type { Attention } from "../activity/Attention.ts"
import * as ActivityHandlers from "../activity/OwnerActivityHttp.ts"
import * as AttentionHandlers from "../activity/OwnerAttentionHttp.ts"
import * as LiveHandlers from "../activity/OwnerLiveHttp.ts"
import type { SiteActivity } from "../activity/SiteActivity.ts"
import type { AnalyticsExport } from "../analytics/AnalyticsExport.ts"
import type { Goals } from "../analytics/Goal.ts"
import * as GoalHandlers from "../analytics/OwnerGoalsHttp.ts"
import * as ReportHandlers from "../analytics/reports/OwnerReportsHttp.ts"
import type { Reports } from "../analytics/reports/Reports.ts"
import * as ShareHandlers from "../analytics/shares/OwnerSharesHttp.ts"
import * as SharedHandlers from "../analytics/shares/SharedHttp.ts"
import { OwnerApi } from "../api/OwnerApi.ts"
import type { AgentCheck } from "../chat/agent/Inspection.ts"
import type { ConversationStore } from "../chat/ConversationStore.ts"
import type * as InstanceChanges from "../chat/InstanceChanges.ts"
import type { InstanceDirectory } from "../chat/InstanceDirectory.ts"
import * as ConversationHandlers from "../chat/OwnerConversationsHttp.ts"
import * as InstanceHandlers from "../chat/OwnerInstancesHttp.ts"
import * as TokenHandlers from "../chat/OwnerTokensHttp.ts"
import type { Transcripts } from "../chat/Transcripts.ts"
import type { WidgetTokens } from "../chat/WidgetTokens.ts"
import type { Deliveries } from "../delivery/Delivery.ts"
import type { AutoReplies } from "../delivery/mail/AutoReply.ts"
import type { Notifications } from "../delivery/mail/Notification.ts"
import * as AutoReplyHandlers from "../delivery/mail/OwnerAutoRepliesHttp.ts"
import * as NotificationHandlers from "../delivery/mail/OwnerNotificationsHttp.ts"
import * as ReplyHandlers from "../delivery/mail/OwnerRepliesHttp.ts"
import type { Replies } from "../delivery/mail/Reply.ts"
import * as WebhookHandlers from "../delivery/OwnerWebhooksHttp.ts"
import type { TestDeliveries } from "../delivery/TestDeliveries.ts"
import type { Webhooks } from "../delivery/Webhook.ts"
import type { FormDirectory } from "../forms/FormDirectory.ts"
import type { Inbox } from "../forms/Inbox.ts"
import * as FormHandlers from "../forms/OwnerFormsHttp.ts"
import * as SpamHandlers from "../forms/OwnerSpamHttp.ts"
import * as SubmissionHandlers from "../forms/OwnerSubmissionsHttp.ts"
import type { SpamMarks } from "../forms/SpamMarks.ts"
import * as HealthHandlers from "../health/OwnerHealthHttp.ts"
import type { Problems } from "../health/Problems.ts"
import type { RateLimiter } from "../platform/limits/RateLimit.ts"
import * as DataHandlers from "../privacy/OwnerDataHttp.ts"
import type { Persons } from "../privacy/Persons.ts"
import * as Authentication from "../sites/access/Authentication.ts"
import type {
  Authentication as AuthenticationService,
  Guest,
  SharedAuthentication as SharedAuthenticationService
} from "../sites/access/AuthenticationApi.ts"
import type * as AuthorizedServices from "../sites/access/Authorized.ts"
import * as Authorized from "../sites/access/AuthorizedHttp.ts"
import * as CallerLimits from "../sites/access/CallerLimits.ts"
import * as Compression from "../sites/access/Compression.ts"
import type { ConsoleSessions } from "../sites/access/ConsoleSession.ts"
import * as CurrentSessionHandlers from "../sites/access/CurrentSessionHttp.ts"
import type { Invitations } from "../sites/access/MailedLink.ts"
import type { OwnerKeys } from "../sites/access/OwnerKey.ts"
import * as KeyHandlers from "../sites/access/OwnerKeysHttp.ts"
import * as PeopleHandlers from "../sites/access/OwnerPeopleHttp.ts"
import * as SessionHandlers from "../sites/access/OwnerSessionsHttp.ts"
import type { People } from "../sites/access/Person.ts"
import type { Shares } from "../sites/access/Share.ts"
import * as SharedAuthentication from "../sites/access/SharedAuthentication.ts"
import * as SiteSlots from "../sites/access/SiteSlots.ts"
import * as Validation from "../sites/access/Validation.ts"
import type { Validation as ValidationService } from "../sites/access/ValidationApi.ts"
import type { Decisions } from "../sites/Decisions.ts"
import * as SiteHandlers from "../sites/OwnerSitesHttp.ts"
import type { SiteDirectory } from "../sites/SiteDirectory.ts"
import type { SiteErasure } from "../sites/SiteErasure.ts"

/**
 * The services that handlers may use. A handler gets the website that the caller may use from the proof that the endpoint's
 * middleware provides (`sites/access/Authorized.ts`), so a handler of an endpoint that does not declare it does not compile.
 * Nor does a handler that uses any other service.
 */
type HandlerServices =
  | SiteDirectory
  | SiteErasure
  | SiteSlots.SiteSlots
  | Reports
  | CallerLimits.CallerLimits
  | Inbox
  | SpamMarks
  | Notifications
  | Replies
  | AutoReplies
  | InstanceDirectory
  | Transcripts
  | ConversationStore
  | Goals
  | WidgetTokens
  | OwnerKeys
  | ConsoleSessions
  | People
  | Invitations
  | RateLimiter
  | Shares
  | AgentCheck
  | Webhooks
  | Deliveries
  | TestDeliveries
  | FormDirectory
  | AnalyticsExport
  | Persons
  | SiteActivity
  | Attention
  | Decisions
  | Problems

/** The handlers of groups. */
export type Handlers<Groups> = Layer.Layer<
  Groups,
  never,
  | HandlerServices
  | AuthenticationService
  | AuthorizedServices.Services
  | Guest
  | SharedAuthenticationService
  | ValidationService
>

const handlers = <Groups>(layer: Handlers<Groups>): Handlers<Groups> => layer

export interface Options
  extends Authentication.Options,
    CallerLimits.Options,
    InstanceChanges.Options,
    DataHandlers.Options,
    WebhookHandlers.Options {}

export const layer = (options: Options) =>
  HttpApiBuilder.layer(OwnerApi).pipe(
    Layer.provide(
      handlers(
        Layer.mergeAll(
          ReportHandlers.layer,
          SiteHandlers.layer,
          SubmissionHandlers.layer,
          WebhookHandlers.submissionDeliveries(options),
          ReplyHandlers.layer,
          ConversationHandlers.layer,
          AttentionHandlers.layer,
          ActivityHandlers.layer,
          HealthHandlers.layer,
          GoalHandlers.layer,
          TokenHandlers.layer,
          KeyHandlers.layer,
          SessionHandlers.layer,
          PeopleHandlers.layer,
          ShareHandlers.layer,
          LiveHandlers.layer,
          SharedHandlers.layer(options),
          InstanceHandlers.layer(options),
          WebhookHandlers.layer(options),
          NotificationHandlers.layer,
          FormHandlers.layer,
          AutoReplyHandlers.layer,
          SpamHandlers.layer,
          DataHandlers.layer(options),
          CurrentSessionHandlers.layer(options)
        )
      )
    ),
    Layer.provide([
      Authentication.layer(options),
      Authorized.layer,
      Authentication.guest,
      SharedAuthentication.layer(options),
      Validation.layer
    ]),
    Layer.provide([CallerLimits.layer(options), SiteSlots.layer]),
    Layer.provide(Compression.layer)
  )
