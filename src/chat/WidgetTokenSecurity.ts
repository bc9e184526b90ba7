/**
 * The widget token, which authorizes a chat with one instance: as the header `X-Widget-Token`, or as a bearer token for clients of
 * OpenAI's API. `chat/ChatMiddlewareHttp` counts the request against the rate limit, checks the token and the page's
 * origin, and provides the instance.
 *
 * @module
 */
import { Context } from "effect"
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import * as HttpApiSecurity from "effect/http-api/HttpApiSecurity"
import * as OpenApi from "effect/http-api/OpenApi"
import { Unauthorized } from "../platform/contract/Errors.ts"
import type { Instance } from "./Instance.ts"

/** A request that may use an instance. */
export class Admitted extends Context.Service<
  Admitted,
  {
    readonly instance: Instance
    /** The response headers of the rate limit. */
    readonly headers: Record<string, string>
  }
>()("hydracore/chat/Admitted") {}

/** An annotation of an endpoint: whether its requests send a message to the agent, and so have the limit of chats. */
export const SendsMessage = Context.Reference<boolean>("hydracore/chat/SendsMessage", {
  defaultValue: () => false
})

export class WidgetTokenSecurity extends HttpApiMiddleware.Service<WidgetTokenSecurity, { provides: Admitted }>()(
  "hydracore/chat/WidgetTokenSecurity",
  {
    error: Unauthorized,
    security: {
      widgetToken: HttpApiSecurity.apiKey({ key: "X-Widget-Token", in: "header" }).pipe(
        HttpApiSecurity.annotate(
          OpenApi.Description,
          "A token of the instance: `hwt_` and 43 characters. It is good for chat with this instance only."
        )
      )
    }
  }
) {}
