/**
 * The API for websites' owners and their programs. Every endpoint requires a key or a console session, except the one that
 * opens a session, and those of shared dashboards, which require the secret of a share.
 *
 * A file of this folder declares the endpoints of a group, and a file of `http/owner` handles them.
 *
 * @module
 */
import { Context } from "effect"
import * as HttpApi from "effect/http-api/HttpApi"
import * as OpenApi from "effect/http-api/OpenApi"
import { GoalsGroup } from "../../analytics/OwnerGoalsApi.ts"
import { FormsGroup } from "../../forms/OwnerFormsApi.ts"
import { SubmissionsGroup } from "../../forms/OwnerSubmissionsApi.ts"
import { asOwnerDocument } from "../OpenApi.ts"
import { ActivityGroup } from "./Activity.ts"
import { Authentication } from "./Authentication.ts"
import { Authorization } from "./Authorization.ts"
import * as Authorized from "./Authorized.ts"
import { ConversationsGroup } from "./Conversations.ts"
import { SessionGroup } from "./CurrentSession.ts"
import { DataGroup } from "./Data.ts"
import { InstancesGroup } from "./Instances.ts"
import { KeysGroup } from "./Keys.ts"
import { LiveGroup } from "./Live.ts"
import { NotificationsGroup } from "./Notifications.ts"
import { ReportsGroup } from "./Reports.ts"
import { SessionsGroup } from "./Sessions.ts"
import { SetUpGroup } from "./SetUp.ts"
import { SharedGroup, SharesGroup } from "./Shares.ts"
import { SitesGroup } from "./Sites.ts"
import { TokensGroup } from "./Tokens.ts"
import { Validation } from "./Validation.ts"
import { WebhooksGroup } from "./Webhooks.ts"

/** All paths of this API begin with it. */
export const prefix = "/v1/owner/"

export class OwnerApi extends HttpApi.make("hydracore-owner")
  .add(ReportsGroup, SitesGroup, SubmissionsGroup, ConversationsGroup)
  .add(SetUpGroup, ActivityGroup, GoalsGroup, TokensGroup, KeysGroup, SessionsGroup)
  .add(InstancesGroup, WebhooksGroup, NotificationsGroup, FormsGroup, SharesGroup, LiveGroup, DataGroup)
  // The last middleware is the outermost: a request without a key is not authorized, and an unauthorized one not validated.
  .middleware(Validation)
  .middleware(Authorization)
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
