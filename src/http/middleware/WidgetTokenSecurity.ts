/**
 * Accepts every request: the chat endpoints check the token after the rate limit, which so bounds the lookups of guessed tokens.
 *
 * @module
 */
import { Layer } from "effect"
import { WidgetKeySecurity } from "../../contract/OpenAi.ts"
import { WidgetTokenSecurity } from "../../contract/WidgetTokenSecurity.ts"

export const layer = Layer.mergeAll(
  Layer.succeed(WidgetTokenSecurity, WidgetTokenSecurity.of({ widgetToken: (handler) => handler })),
  Layer.succeed(WidgetKeySecurity, WidgetKeySecurity.of({ widgetKey: (handler) => handler }))
)
