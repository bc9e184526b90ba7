/**
 * The widget tokens of a website's instances.
 *
 * @module
 */
import { Schema } from "effect"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Field from "../platform/contract/Field.ts"
import { InstanceId, TokenId } from "../platform/Id.ts"
import * as Authorized from "../sites/access/Authorized.ts"
import * as Fields from "../sites/access/Fields.ts"
import * as Maximums from "../sites/Maximums.ts"
import { siteId } from "../sites/OwnerSitesApi.ts"
import { WidgetToken } from "./WidgetToken.ts"

const base = "/v1/owner/sites/:site_id/instances/:instance_id/tokens"

export const instanceId = Field.Id(InstanceId, { title: "Instance Id" })
export const tokenId = Field.Id(TokenId, { title: "Token Id" })

const params = { site_id: siteId, instance_id: instanceId }

export const Tokens = Schema.Struct({ tokens: Schema.Array(WidgetToken), next: Fields.next }).annotate({
  identifier: "Tokens",
  examples: [
    {
      tokens: [
        {
          token_id: TokenId.make(Fields.exampleId),
          label: "Shop",
          created_at: "2026-11-01T09:00:00.000Z",
          expires_at: null,
          revoked_at: null,
          token: `hwt_${"A".repeat(43)}`
        }
      ],
      next: null
    }
  ]
})

export const NewToken = Schema.Struct({
  label: Schema.optionalKey(Fields.name("Label")),
  expires_at: Schema.optionalKey(Fields.expiry("When it expires, such as 2030-01-31; never if absent"))
}).annotate({ identifier: "NewToken", examples: [{ label: "Shop" }] })

export const IssuedToken = Schema.Struct({
  token_id: WidgetToken.fields.token_id,
  token: Schema.String,
  expires_at: WidgetToken.fields.expires_at
}).annotate({
  identifier: "IssuedToken",
  examples: [{ token_id: TokenId.make(Fields.exampleId), token: `hwt_${"A".repeat(43)}`, expires_at: null }]
})

export const query = {
  cursor: Fields.cursor,
  limit: Fields.limit,
  revoked: Fields.choice(["false"], { title: "Revoked" })
}

export type Query = Schema.Struct.Type<typeof query>

export const list = HttpApiEndpoint.get("list", base, {
  params,
  query,
  success: Tokens
})
  .middleware(Authorized.settings.read)
  .annotateMerge(
    Authorized.operation({
      identifier: "list_tokens",
      summary: "List widget tokens",
      description:
        "The tokens of an instance, oldest first. Every visitor can read the token of a page. `revoked=false` leaves out the revoked ones. `next` is the `cursor` of the next part, which `limit` bounds."
    })
  )

export const issue = HttpApiEndpoint.post("issue", base, {
  params,
  payload: NewToken,
  success: IssuedToken
})
  .middleware(Authorized.settings.change)
  .annotateMerge(
    Authorized.operation({
      identifier: "issue_token",
      summary: "Issue a widget token",
      description: "Issues a token for the chat of a website.",
      maximums: [Maximums.tokens, Maximums.storedTokens]
    })
  )

export const revoke = HttpApiEndpoint.delete("revoke", `${base}/:token_id`, {
  params: { ...params, token_id: tokenId },
  success: HttpApiSchema.NoContent
})
  .middleware(Authorized.settings.change)
  .annotateMerge(
    Authorized.operation({
      identifier: "revoke_token",
      summary: "Revoke a widget token",
      description: "Revokes a token, on every process within a second."
    })
  )

export class TokensGroup extends HttpApiGroup.make("tokens")
  .add(list, issue, revoke)
  .annotateMerge(OpenApi.annotations({ title: "Tokens", description: "Widget tokens of instances" })) {}
