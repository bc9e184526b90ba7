/**
 * Declares the security scheme of the chat: the header `X-Widget-Token`. The middleware checks nothing: the
 * endpoints check the token, after the rate limit.
 *
 * @module
 */
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import * as HttpApiSecurity from "effect/http-api/HttpApiSecurity"
import * as OpenApi from "effect/http-api/OpenApi"
import { Unauthorized } from "../Errors.ts"

export class WidgetTokenSecurity extends HttpApiMiddleware.Service<WidgetTokenSecurity>()(
  "hydracore/contract/chat/WidgetTokenSecurity",
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
