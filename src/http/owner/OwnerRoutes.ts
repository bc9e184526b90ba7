/**
 * All routes of the owner API, without a server.
 *
 * @module
 */
import { Layer } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { OwnerApi } from "../../contract/owner/Api.ts"
import type {
  Authentication as AuthenticationService,
  Guest,
  SharedAuthentication as SharedAuthenticationService
} from "../../contract/owner/Authentication.ts"
import type { Validation as ValidationService } from "../../contract/owner/Validation.ts"
import * as Authentication from "./Authentication.ts"
import * as CallerLimits from "./CallerLimits.ts"
import * as CallerReads from "./CallerReads.ts"
import * as ConversationHandlers from "./Conversations.ts"
import * as CredentialHandlers from "./Credentials.ts"
import * as DataHandlers from "./Data.ts"
import * as FormHandlers from "./Forms.ts"
import * as GoalHandlers from "./Goals.ts"
import * as InstanceHandlers from "./Instances.ts"
import * as LiveHandlers from "./Live.ts"
import * as LiveFeeds from "./LiveFeeds.ts"
import * as NotificationHandlers from "./Notifications.ts"
import * as OwnerConversations from "./OwnerConversations.ts"
import * as OwnerCredentials from "./OwnerCredentials.ts"
import * as OwnerData from "./OwnerData.ts"
import * as OwnerForms from "./OwnerForms.ts"
import * as OwnerGoals from "./OwnerGoals.ts"
import * as OwnerInbox from "./OwnerInbox.ts"
import * as OwnerInstances from "./OwnerInstances.ts"
import * as OwnerNotifications from "./OwnerNotifications.ts"
import * as OwnerReports from "./OwnerReports.ts"
import * as OwnerSessions from "./OwnerSessions.ts"
import * as OwnerShares from "./OwnerShares.ts"
import * as OwnerSites from "./OwnerSites.ts"
import * as OwnerTokens from "./OwnerTokens.ts"
import * as OwnerWebhooks from "./OwnerWebhooks.ts"
import * as ReportHandlers from "./Reports.ts"
import * as SessionHandlers from "./Session.ts"
import * as SetUpHandlers from "./SetUp.ts"
import * as SharedHandlers from "./Shared.ts"
import * as SharedAuthentication from "./SharedAuthentication.ts"
import * as SharedReports from "./SharedReports.ts"
import * as ShareHandlers from "./Shares.ts"
import * as SiteHandlers from "./Sites.ts"
import * as SubmissionHandlers from "./Submissions.ts"
import * as TokenHandlers from "./Tokens.ts"
import * as Validation from "./Validation.ts"
import * as WebhookHandlers from "./Webhooks.ts"

/**
 * The services that handlers may use. The methods that read or change what a website stores take an `AuthorizedSite`, so a
 * handler that does not prove its caller's right does not compile. Nor does a handler that uses any other service.
 */
type HandlerServices =
  | OwnerSites.OwnerSites
  | OwnerReports.OwnerReports
  | OwnerSessions.OwnerSessions
  | OwnerInbox.OwnerInbox
  | OwnerConversations.OwnerConversations
  | OwnerGoals.OwnerGoals
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
  | CallerReads.CallerReads

/** The handlers of groups. */
export type Handlers<Groups> = Layer.Layer<
  Groups,
  never,
  HandlerServices | AuthenticationService | Guest | SharedAuthenticationService | ValidationService
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
          GoalHandlers.layer,
          TokenHandlers.layer,
          CredentialHandlers.layer,
          ShareHandlers.layer,
          LiveHandlers.layer,
          SharedHandlers.layer,
          InstanceHandlers.layer,
          WebhookHandlers.layer,
          NotificationHandlers.layer,
          FormHandlers.layer,
          DataHandlers.layer,
          SessionHandlers.layer
        )
      )
    ),
    Layer.provide([
      OwnerReports.layer,
      OwnerSites.layer,
      OwnerInbox.layer,
      OwnerConversations.layer,
      OwnerGoals.layer,
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
      Authentication.guest,
      SharedAuthentication.layer(options),
      Validation.layer
    ]),
    Layer.provide([CallerLimits.layer(options), CallerReads.layer])
  )
