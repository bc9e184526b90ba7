/**
 * Accepts every request. The chat endpoints check the token themselves, after the rate limit, so that the limit bounds the
 * lookups of guessed tokens.
 *
 * @module
 */
import { Layer } from "effect"
import { WidgetKeySecurity } from "../../contract/chat/OpenAi.ts"
import { WidgetTokenSecurity } from "../../contract/chat/WidgetTokenSecurity.ts"

export const layer = Layer.mergeAll(
  Layer.succeed(WidgetTokenSecurity, WidgetTokenSecurity.of({ widgetToken: (handler) => handler })),
  Layer.succeed(WidgetKeySecurity, WidgetKeySecurity.of({ widgetKey: (handler) => handler }))
)
