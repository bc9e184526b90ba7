/**
 * Widget tokens, as the operator manages them: of instances of all websites and of none.
 *
 * @module
 */
import { Effect } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as OwnerTokens from "../../chat/OwnerTokensApi.ts"
import * as TokenHandlers from "../../chat/OwnerTokensHttp.ts"
import * as Operations from "./Operations.ts"

const ofInstance = { instance_id: OwnerTokens.instanceId }

const list = HttpApiEndpoint.get("list", "/operator/instances/:instance_id/tokens", {
  params: ofInstance,
  query: OwnerTokens.query,
  success: OwnerTokens.Tokens,
  error: Operations.failures
})

const issue = HttpApiEndpoint.post("issue", "/operator/instances/:instance_id/tokens", {
  params: ofInstance,
  payload: OwnerTokens.NewToken,
  success: OwnerTokens.IssuedToken,
  error: Operations.failures
})

const revoke = HttpApiEndpoint.delete("revoke", "/operator/tokens/:token_id", {
  params: { token_id: OwnerTokens.tokenId },
  success: HttpApiSchema.NoContent,
  error: Operations.failures
})

export const Api = Operations.api(HttpApiGroup.make("tokens").add(list, issue, revoke))

export const layer = HttpApiBuilder.group(
  Api,
  "tokens",
  Effect.fnUntraced(function* (handlers) {
    const tokens = yield* TokenHandlers.make
    return handlers
      .handle("list", ({ params, query }) => tokens.list("all", params.instance_id, query))
      .handle("issue", ({ params, payload }) => tokens.issue("all", params.instance_id, payload))
      .handle("revoke", ({ params }) => tokens.revoke("all", null, params.token_id))
  })
)
