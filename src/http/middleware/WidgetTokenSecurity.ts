/**
 * Accepts every request: the chat endpoint checks the token after the rate limit, so that guessed tokens cost no lookups.
 *
 * @module
 */
import { Layer } from "effect"
import { WidgetTokenSecurity } from "../../contract/WidgetTokenSecurity.ts"

export const layer = Layer.succeed(WidgetTokenSecurity, WidgetTokenSecurity.of({ widgetToken: (handler) => handler }))
