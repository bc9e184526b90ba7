/**
 * The API for websites' owners and their programs. Every endpoint requires a key or a console session, except the one that
 * opens a session, and those of shared dashboards, which require the secret of a share.
 *
 * A capability's `Owner*Api.ts` declares the endpoints of a group, and its `Owner*Http.ts` handles them.
 *
 * @module
 */
import { Context } from "effect"
import * as HttpApi from "effect/http-api/HttpApi"
import * as OpenApi from "effect/http-api/OpenApi"
import { ActivityGroup, LiveGroup } from "../activity/OwnerActivityApi.ts"
import { AttentionGroup } from "../activity/OwnerAttentionApi.ts"
import { GoalsGroup } from "../analytics/OwnerGoalsApi.ts"
import { ReportsGroup } from "../analytics/reports/OwnerReportsApi.ts"
import { SharedGroup, SharesGroup } from "../analytics/shares/OwnerSharesApi.ts"
import { ConversationsGroup } from "../chat/OwnerConversationsApi.ts"
import { InstancesGroup } from "../chat/OwnerInstancesApi.ts"
import { TokensGroup } from "../chat/OwnerTokensApi.ts"
import { NotificationsGroup } from "../delivery/mail/OwnerNotificationsApi.ts"
import { AutoRepliesGroup, RepliesGroup } from "../delivery/mail/OwnerRepliesApi.ts"
import { SubmissionDeliveriesGroup, WebhooksGroup } from "../delivery/OwnerWebhooksApi.ts"
import { FormsGroup } from "../forms/OwnerFormsApi.ts"
import { SpamGroup, SubmissionsGroup } from "../forms/OwnerSubmissionsApi.ts"
import { HealthGroup } from "../health/OwnerHealthApi.ts"
import { asOwnerDocument } from "../platform/contract/OpenApi.ts"
import { DataGroup } from "../privacy/OwnerDataApi.ts"
import { Authentication, Validation } from "../sites/access/AuthenticationApi.ts"
import * as Authorized from "../sites/access/Authorized.ts"
import { SessionGroup } from "../sites/access/CurrentSessionApi.ts"
import { KeysGroup, PeopleGroup, SessionsGroup } from "../sites/access/OwnerAccessApi.ts"
import { SitesGroup } from "../sites/OwnerSitesApi.ts"

export class OwnerApi extends HttpApi.make("hydracore-owner")
  .add(ReportsGroup, SitesGroup, SubmissionsGroup, SubmissionDeliveriesGroup, RepliesGroup, ConversationsGroup)
  .add(SessionsGroup, PeopleGroup, SpamGroup)
  .add(AttentionGroup, ActivityGroup, HealthGroup, GoalsGroup, TokensGroup, KeysGroup)
  .add(
    InstancesGroup,
    WebhooksGroup,
    NotificationsGroup,
    FormsGroup,
    AutoRepliesGroup,
    SharesGroup,
    LiveGroup,
    DataGroup
  )
  // The last middleware is the outermost: a request without a key is not authorized. The middleware that an endpoint
  // declares itself (`Authorized`) is the innermost, and refuses a caller before the request is decoded.
  .middleware(Validation)
  .middleware(Authentication)
  // Added last, so that they do not get this middleware.
  .add(SessionGroup, SharedGroup)
  .annotateMerge(
    OpenApi.annotations({
      title: "HydraCore Owner API",
      version: "1.0.0",
      description: [
        "What websites' owners and their programs read and change in HydraCore.",
        "A program sends a key, in `Authorization: Bearer hok_…`; the console sends the cookie of a session. If the key or session does not reach a website, or its scope does not include an operation, the response is 404, as if the website or operation did not exist.",
        "There is no CORS: a web page on another origin cannot use this API."
      ].join(" "),
      license: { name: "Proprietary", identifier: "LicenseRef-Proprietary" },
      servers: [{ url: "/", description: "The service that serves this document" }],
      transform: (document) => asOwnerDocument(document, scopeSentences())
    })
  ) {}

/** The sentences that name the scopes that endpoints require, by the identifier of the operation. */
const scopeSentences = (): ReadonlyMap<unknown, string> => {
  const sentences = new Map<unknown, string>()
  HttpApi.reflect(OwnerApi, {
    onGroup: () => {},
    onEndpoint: ({ endpoint }) => {
      const required = Authorized.requiredBy(endpoint)
      const id = Context.getOrUndefined(endpoint.annotations, OpenApi.Identifier)
      if (required !== undefined) sentences.set(id, Authorized.sentence(required))
    }
  })
  return sentences
}
