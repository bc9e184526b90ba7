/**
 * All routes of the owner API, without a server.
 *
 * @module
 */
import { Context, Effect, Layer } from "effect"
import { HttpMiddleware, HttpPlatform, HttpRouter, HttpServerRequest } from "effect/http"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import type { SiteActivity } from "../activity/Activity.ts"
import type { Attention } from "../activity/Attention.ts"
import * as ActivityHandlers from "../activity/OwnerActivityHttp.ts"
import * as AttentionHandlers from "../activity/OwnerAttentionHttp.ts"
import type { AnalyticsExport } from "../analytics/AnalyticsExport.ts"
import type { Goals } from "../analytics/Goal.ts"
import * as GoalHandlers from "../analytics/OwnerGoalsHttp.ts"
import * as ReportHandlers from "../analytics/reports/OwnerReportsHttp.ts"
import type { Reports } from "../analytics/reports/Reports.ts"
import * as ShareHandlers from "../analytics/shares/OwnerSharesHttp.ts"
import * as SharedHandlers from "../analytics/shares/SharedHttp.ts"
import { OwnerApi } from "../api/OwnerApi.ts"
import type { AgentFailures } from "../chat/AgentFailures.ts"
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
import type { Notifications } from "../delivery/mail/Notification.ts"
import * as NotificationHandlers from "../delivery/mail/OwnerNotificationsHttp.ts"
import * as ReplyHandlers from "../delivery/mail/OwnerRepliesHttp.ts"
import type { Replies } from "../delivery/mail/Reply.ts"
import * as WebhookHandlers from "../delivery/OwnerWebhooksHttp.ts"
import type { TestDeliveries } from "../delivery/TestDeliveries.ts"
import type { Webhooks } from "../delivery/Webhook.ts"
import type { FormDirectory } from "../forms/FormRules.ts"
import type { Inbox } from "../forms/InboxMessage.ts"
import * as FormHandlers from "../forms/OwnerFormsHttp.ts"
import * as SubmissionHandlers from "../forms/OwnerSubmissionsHttp.ts"
import * as HealthHandlers from "../health/OwnerHealthHttp.ts"
import type { Problems } from "../health/Problem.ts"
import type { RateLimiter } from "../platform/limits/RateLimit.ts"
import * as DataHandlers from "../privacy/OwnerDataHttp.ts"
import type { Persons } from "../privacy/Person.ts"
import * as Authentication from "../sites/access/Authentication.ts"
import type {
  Authentication as AuthenticationService,
  Guest,
  SharedAuthentication as SharedAuthenticationService,
  Validation as ValidationService
} from "../sites/access/AuthenticationApi.ts"
import type * as AuthorizedServices from "../sites/access/Authorized.ts"
import * as Authorized from "../sites/access/AuthorizedHttp.ts"
import * as CallerLimits from "../sites/access/CallerLimits.ts"
import type { ConsoleSessions } from "../sites/access/ConsoleSession.ts"
import * as CurrentSessionHandlers from "../sites/access/CurrentSessionHttp.ts"
import type { Invitations } from "../sites/access/MailedLink.ts"
import * as AccessHandlers from "../sites/access/OwnerAccessHttp.ts"
import type { OwnerKeys } from "../sites/access/OwnerKey.ts"
import type { People } from "../sites/access/Person.ts"
import type { Shares } from "../sites/access/Share.ts"
import * as SiteSlots from "../sites/access/SiteSlots.ts"
import * as Validation from "../sites/access/Validation.ts"
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
  | Notifications
  | Replies
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
  | AgentFailures
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

/**
 * Compresses the answers of the owner API that can be large: lists of websites, and reports.
 *
 * No other answers are compressed, because the length of a compressed answer tells whether its texts repeat each other: somebody
 * who submits forms and sees the lengths of the answers on their way could guess what other visitors sent, or a secret.
 */
const compressedPaths = new Set(["/v1/owner/sites", "/v1/owner/query", "/v1/owner/shared/query"])

// In Node's thread pool, so that visitors' requests do not wait.
const compress = HttpMiddleware.compression({ algorithms: ["gzip"] })

const compression = HttpRouter.middleware(
  Effect.map(HttpPlatform.HttpPlatform, (platform) => (app) => {
    const compressed = Effect.provideService(compress(app), HttpPlatform.HttpPlatform, platform)
    return Effect.withFiber((fiber) => {
      const { url } = Context.getUnsafe(fiber.context, HttpServerRequest.HttpServerRequest)
      return compressedPaths.has(url.split("?", 1)[0] ?? "") ? compressed : app
    })
  })
).layer

export const layer = (options: Options) =>
  HttpApiBuilder.layer(OwnerApi).pipe(
    Layer.provide(
      handlers(
        Layer.mergeAll(
          ReportHandlers.layer,
          SiteHandlers.layer,
          SubmissionHandlers.layer,
          ReplyHandlers.layer,
          ConversationHandlers.layer,
          AttentionHandlers.layer,
          ActivityHandlers.layer,
          HealthHandlers.layer,
          GoalHandlers.layer,
          TokenHandlers.layer,
          AccessHandlers.layer,
          ShareHandlers.layer,
          SharedHandlers.layer(options),
          InstanceHandlers.layer(options),
          WebhookHandlers.layer(options),
          NotificationHandlers.layer,
          FormHandlers.layer,
          DataHandlers.layer(options),
          CurrentSessionHandlers.layer(options)
        )
      )
    ),
    Layer.provide([
      Authentication.layer(options),
      Authorized.layer,
      Authentication.guest,
      Authentication.shared(options),
      Validation.layer
    ]),
    Layer.provide([CallerLimits.layer(options), SiteSlots.layer]),
    Layer.provide(compression)
  )
