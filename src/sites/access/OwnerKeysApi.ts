/**
 * The keys of programs.
 *
 * @module
 */
import { Schema } from "effect"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Field from "../../platform/contract/Field.ts"
import { KeyId } from "../../platform/Id.ts"
import * as Maximums from "../Maximums.ts"
import * as Authorized from "./Authorized.ts"
import * as CredentialFields from "./CredentialFields.ts"
import * as Examples from "./Examples.ts"
import * as Fields from "./Fields.ts"
import { OwnerKey } from "./OwnerKey.ts"
import * as Scope from "./Scope.ts"

export const Keys = Schema.Struct({
  keys: Schema.Array(OwnerKey),
  next: Fields.next
}).annotate({
  identifier: "Keys",
  title: "Keys",
  examples: [
    {
      keys: [
        {
          key_id: KeyId.make(Examples.id),
          scope: "stats",
          sites: [Examples.siteId],
          label: "Dashboard",
          created_at: Examples.time,
          expires_at: null,
          revoked_at: null,
          issued_by: null
        }
      ],
      next: null
    }
  ]
})

export const NewKey = Schema.Struct({
  scope: Field.Choice(Scope.scopes, { title: "Scope" }),
  sites: CredentialFields.sites,
  label: CredentialFields.label,
  expires_at: Schema.optionalKey(Fields.expiry("When it expires, such as 2030-01-31; never if absent"))
}).annotate({
  identifier: "NewKey",
  title: "NewKey",
  examples: [{ scope: "stats", sites: [Examples.siteId], label: "Dashboard" }]
})

export const IssuedKey = Schema.Struct({
  key_id: KeyId,
  key: Schema.String.annotate({ description: "It is not shown again" }),
  expires_at: Fields.nullableTime
}).annotate({
  identifier: "IssuedKey",
  title: "IssuedKey",
  examples: [{ key_id: KeyId.make(Examples.id), key: `hok_${"A".repeat(43)}`, expires_at: null }]
})

export const keys = HttpApiEndpoint.get("keys", "/v1/owner/keys", {
  query: { ...CredentialFields.listQuery, revoked: Fields.choice(["false"], { title: "Revoked" }) },
  success: Keys
})
  .middleware(Authorized.caller.admin.read)
  .annotateMerge(
    Authorized.operation({
      identifier: "list_keys",
      summary: "List keys",
      description: `The keys whose access does not exceed that of the request, oldest first, without their secrets. \`revoked=false\` leaves out the revoked ones. ${CredentialFields.listed}`
    })
  )

export const issueKey = HttpApiEndpoint.post("issueKey", "/v1/owner/keys", {
  payload: NewKey,
  success: IssuedKey
})
  .middleware(Authorized.caller.admin.change)
  .annotateMerge(
    Authorized.operation({
      identifier: "issue_key",
      summary: "Issue a key",
      description: `Issues a key. ${CredentialFields.rights("key")}`,
      maximums: [Maximums.keys, Maximums.storedKeys]
    })
  )

export const revokeKey = HttpApiEndpoint.delete("revokeKey", "/v1/owner/keys/:key_id", {
  params: { key_id: Field.Id(KeyId, { title: "Key Id" }) },
  query: { with_opened: CredentialFields.withOpened },
  success: CredentialFields.Revoked
})
  .middleware(Authorized.caller.admin.change)
  .annotateMerge(
    Authorized.operation({
      identifier: "revoke_key",
      summary: "Revoke a key",
      description: `Revokes a key and the keys that it issued, on every process within a second. The links that they created and that are not opened are void. ${CredentialFields.openedRemain} ${CredentialFields.rights("key")}`
    })
  )

export class KeysGroup extends HttpApiGroup.make("keys")
  .add(keys, issueKey, revokeKey)
  .annotateMerge(OpenApi.annotations({ title: "Keys", description: "The keys of programs" })) {}
