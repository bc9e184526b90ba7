/**
 * The published API, HydraCore's "Public router".
 *
 * @module
 */
import * as HttpApi from "effect/http-api/HttpApi"
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import * as OpenApi from "effect/http-api/OpenApi"
import { AnalyticsGroup } from "../analytics/Api.ts"
import { AgUiGroup } from "../chat/AgUiApi.ts"
import { ConversationsGroup } from "../chat/ConversationsApi.ts"
import { OpenAiGroup } from "../chat/OpenAiApi.ts"
import { WidgetGroup } from "../chat/WidgetApi.ts"
import { MailGroup } from "../delivery/mail/MailApi.ts"
import { FormsGroup } from "../forms/Api.ts"
import { asPublicDocument } from "../platform/contract/OpenApi.ts"

/** Makes a span of each request to an endpoint, such as `forms.submit`, if traces are exported. `server/Server` implements it. */
export class Traced extends HttpApiMiddleware.Service<Traced>()("hydracore/api/Traced") {}

export class Api extends HttpApi.make("hydracore-public")
  .add(AnalyticsGroup, FormsGroup, WidgetGroup, ConversationsGroup, OpenAiGroup, AgUiGroup, MailGroup)
  .middleware(Traced)
  .annotateMerge(
    OpenApi.annotations({
      title: "HydraCore Public API",
      version: "1.0.0",
      description: [
        "What published websites send to HydraCore: page views, events, form submissions and chat messages.",
        "A path answers the methods of its operations, and `HEAD` if it answers `GET`. Any other method gets a 405; `OPTIONS` is a CORS preflight of the Fetch standard and gets a 204 for every path."
      ].join(" "),
      license: { name: "Proprietary", identifier: "LicenseRef-Proprietary" },
      servers: [{ url: "/", description: "The service that serves this document" }],
      transform: asPublicDocument
    })
  ) {}
