/**
 * All routes of the owner API, without a server.
 *
 * @module
 */
import type { PgClient } from "@effect/sql-pg/PgClient"
import { Context, Effect, Layer } from "effect"
import { HttpMiddleware, HttpPlatform, HttpRouter, HttpServerRequest } from "effect/http"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import type { SqlClient } from "effect/sql"
import * as ActivityHandlers from "../activity/OwnerActivityHttp.ts"
import * as AttentionHandlers from "../activity/OwnerAttentionHttp.ts"
import * as GoalHandlers from "../analytics/OwnerGoalsHttp.ts"
import * as ReportHandlers from "../analytics/reports/OwnerReportsHttp.ts"
import * as ShareHandlers from "../analytics/shares/OwnerSharesHttp.ts"
import { OwnerApi } from "../api/OwnerApi.ts"
import type * as InstanceChanges from "../chat/InstanceChanges.ts"
import * as ConversationHandlers from "../chat/OwnerConversationsHttp.ts"
import * as InstanceHandlers from "../chat/OwnerInstancesHttp.ts"
import * as TokenHandlers from "../chat/OwnerTokensHttp.ts"
import * as NotificationHandlers from "../delivery/mail/OwnerNotificationsHttp.ts"
import * as ReplyHandlers from "../delivery/mail/OwnerRepliesHttp.ts"
import * as WebhookHandlers from "../delivery/OwnerWebhooksHttp.ts"
import * as FormHandlers from "../forms/OwnerFormsHttp.ts"
import * as SubmissionHandlers from "../forms/OwnerSubmissionsHttp.ts"
import * as HealthHandlers from "../health/OwnerHealthHttp.ts"
import * as DataHandlers from "../privacy/OwnerDataHttp.ts"
import * as Authentication from "../sites/access/Authentication.ts"
import * as Authorized from "../sites/access/AuthorizedHttp.ts"
import * as CallerLimits from "../sites/access/CallerLimits.ts"
import * as CurrentSessionHandlers from "../sites/access/CurrentSessionHttp.ts"
import * as AccessHandlers from "../sites/access/OwnerAccessHttp.ts"
import * as SiteSlots from "../sites/access/SiteSlots.ts"
import * as Validation from "../sites/access/Validation.ts"
import * as SiteHandlers from "../sites/OwnerSitesHttp.ts"
import type { RecordSites } from "../sites/SiteDirectory.ts"

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

/**
 * What handlers may not use: what finds the data of any website, and what a request must have although its endpoint does not declare it.
 * A handler gets the website that the caller may use from the proof that the endpoint's middleware provides
 * (`sites/access/Authorized.ts`), so a handler of an endpoint that does not declare it does not compile.
 */
type Unproven = RecordSites | SqlClient.SqlClient | PgClient | HttpRouter.Request<"Requires", unknown>

/** Handlers of groups. */
export const handlers = <Groups, Services>(
  layer: Layer.Layer<Groups, never, Services> & ([Extract<Services, Unproven>] extends [never] ? unknown : never)
): Layer.Layer<Groups, never, Services> => layer

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
          ShareHandlers.sharedLayer(options),
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
