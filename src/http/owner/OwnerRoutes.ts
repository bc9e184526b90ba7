/**
 * All routes of the owner API, without a server.
 *
 * @module
 */
import { Layer } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import type { Goals } from "../../analytics/Goal.ts"
import * as GoalHandlers from "../../analytics/OwnerGoalsHttp.ts"
import { OwnerApi } from "../../contract/owner/Api.ts"
import type {
  Authentication as AuthenticationService,
  Guest,
  SharedAuthentication as SharedAuthenticationService
} from "../../contract/owner/Authentication.ts"
import type { Authorization as AuthorizationService } from "../../contract/owner/Authorization.ts"
import type * as AuthorizedServices from "../../contract/owner/Authorized.ts"
import type { Validation as ValidationService } from "../../contract/owner/Validation.ts"
import * as OwnerForms from "../../forms/OwnerForms.ts"
import * as FormHandlers from "../../forms/OwnerFormsHttp.ts"
import * as OwnerInbox from "../../forms/OwnerInbox.ts"
import * as SubmissionHandlers from "../../forms/OwnerSubmissionsHttp.ts"
import * as Authorization from "./Authorization.ts"
import * as Authorized from "./Authorized.ts"
import * as OwnerConversations from "./access/OwnerConversations.ts"
import * as OwnerCredentials from "./access/OwnerCredentials.ts"
import * as OwnerData from "./access/OwnerData.ts"
import * as OwnerInstances from "./access/OwnerInstances.ts"
import * as OwnerNotifications from "./access/OwnerNotifications.ts"
import * as OwnerReports from "./access/OwnerReports.ts"
import * as OwnerSessions from "./access/OwnerSessions.ts"
import * as OwnerShares from "./access/OwnerShares.ts"
import * as OwnerSites from "./access/OwnerSites.ts"
import * as OwnerTokens from "./access/OwnerTokens.ts"
import * as OwnerWebhooks from "./access/OwnerWebhooks.ts"
import * as Authentication from "./authentication/Authentication.ts"
import * as CallerLimits from "./authentication/CallerLimits.ts"
import * as SharedAuthentication from "./authentication/SharedAuthentication.ts"
import * as CallerOperations from "./CallerOperations.ts"
import * as Compression from "./Compression.ts"
import * as Exports from "./Exports.ts"
import * as ActivityHandlers from "./handlers/Activity.ts"
import * as ConversationHandlers from "./handlers/Conversations.ts"
import * as CurrentSessionHandlers from "./handlers/CurrentSession.ts"
import * as DataHandlers from "./handlers/Data.ts"
import * as InstanceHandlers from "./handlers/Instances.ts"
import * as KeyHandlers from "./handlers/Keys.ts"
import * as LiveHandlers from "./handlers/Live.ts"
import * as NotificationHandlers from "./handlers/Notifications.ts"
import * as ReportHandlers from "./handlers/Reports.ts"
import * as SessionHandlers from "./handlers/Sessions.ts"
import * as SetUpHandlers from "./handlers/SetUp.ts"
import * as SharedHandlers from "./handlers/Shared.ts"
import * as ShareHandlers from "./handlers/Shares.ts"
import * as SiteHandlers from "./handlers/Sites.ts"
import * as TokenHandlers from "./handlers/Tokens.ts"
import * as WebhookHandlers from "./handlers/Webhooks.ts"
import * as LiveFeeds from "./LiveFeeds.ts"
import * as SharedReports from "./SharedReports.ts"
import * as SiteSlots from "./SiteSlots.ts"
import * as Validation from "./Validation.ts"

/**
 * The services that handlers may use. A handler gets the website that the caller may use from the proof that the endpoint's
 * middleware provides (`contract/owner/Authorized.ts`), so a handler of an endpoint that does not declare it does not compile.
 * Nor does a handler that uses any other service.
 */
type HandlerServices =
  | OwnerSites.OwnerSites
  | OwnerReports.OwnerReports
  | OwnerSessions.OwnerSessions
  | OwnerInbox.OwnerInbox
  | OwnerConversations.OwnerConversations
  | Goals
  | OwnerTokens.OwnerTokens
  | OwnerCredentials.OwnerCredentials
  | OwnerShares.OwnerShares
  | SharedReports.SharedReports
  | LiveFeeds.LiveFeeds
  | OwnerInstances.OwnerInstances
  | OwnerWebhooks.OwnerWebhooks
  | OwnerNotifications.OwnerNotifications
  | OwnerForms.OwnerForms
  | OwnerData.OwnerData
  | CallerOperations.CallerOperations
  | Exports.Exports

/** The handlers of groups. */
export type Handlers<Groups> = Layer.Layer<
  Groups,
  never,
  | HandlerServices
  | AuthenticationService
  | AuthorizationService
  | AuthorizedServices.Services
  | Guest
  | SharedAuthenticationService
  | ValidationService
>

const handlers = <Groups>(layer: Handlers<Groups>): Handlers<Groups> => layer

export interface Options
  extends Authentication.Options,
    CallerLimits.Options,
    OwnerInstances.Options,
    OwnerData.Options,
    OwnerWebhooks.Options {}

export const layer = (options: Options) =>
  HttpApiBuilder.layer(OwnerApi).pipe(
    Layer.provide(
      handlers(
        Layer.mergeAll(
          ReportHandlers.layer,
          SiteHandlers.layer,
          SubmissionHandlers.layer,
          ConversationHandlers.layer,
          SetUpHandlers.layer,
          ActivityHandlers.layer,
          GoalHandlers.layer,
          TokenHandlers.layer,
          KeyHandlers.layer,
          SessionHandlers.layer,
          ShareHandlers.layer,
          LiveHandlers.layer,
          SharedHandlers.layer,
          InstanceHandlers.layer,
          WebhookHandlers.layer,
          NotificationHandlers.layer,
          FormHandlers.layer,
          DataHandlers.layer,
          CurrentSessionHandlers.layer
        )
      )
    ),
    Layer.provide([
      OwnerReports.layer,
      OwnerSites.layer,
      OwnerInbox.layer,
      OwnerConversations.layer,
      OwnerTokens.layer,
      OwnerCredentials.layer,
      OwnerShares.layer,
      SharedReports.layer,
      LiveFeeds.layer,
      OwnerInstances.layer(options),
      OwnerWebhooks.layer(options),
      OwnerNotifications.layer,
      OwnerForms.layer,
      OwnerData.layer(options),
      OwnerSessions.layer(options),
      Authentication.layer(options),
      Layer.provide(Authorization.layer, OwnerSites.layer),
      Authorized.layer,
      Authentication.guest,
      SharedAuthentication.layer(options),
      Validation.layer
    ]),
    Layer.provide([CallerLimits.layer(options), CallerOperations.layer, Exports.layer]),
    Layer.provide(SiteSlots.layer),
    Layer.provide(Compression.layer)
  )
