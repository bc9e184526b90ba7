/**
 * The keys of programs, and the sessions of people and the links that open them.
 *
 * @module
 */
import { Option, Result, Schema } from "effect"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Address from "../../core/mail/Address.ts"
import * as Role from "../../core/sites/Role.ts"
import * as Scope from "../../core/sites/Scope.ts"
import * as Wire from "../Wire.ts"
import * as Errors from "./Errors.ts"
import * as Examples from "./Examples.ts"
import * as Fields from "./Fields.ts"

const bound = (noun: string): string => `A caller that reaches only some websites can manage at most 100 ${noun}.`

const rights = (noun: string): string =>
  `404 if the access of the ${noun} exceeds that of the request. Scope \`write\`.`

const withOpened = Fields.choice(["true", "false"], { title: "With Opened" })

const openedRemain =
  "Sessions that were opened with its links remain, with the keys and links that were created in them; `with_opened=true` ends them too."

/** `all`, or ids. */
const sites = Wire.field<"all" | ReadonlyArray<string>>(
  {
    anyOf: [
      { const: "all" },
      { type: "array", items: { type: "string", format: "uuid" }, minItems: 1, maxItems: Fields.maxSelected }
    ],
    description: "All websites, also later ones, or those with these ids"
  },
  (input) => (input === "all" ? Result.succeed(input) : Fields.readSelection(input))
)

const label = Schema.optionalKey(Fields.name("Label"))

const reached = Schema.Union([Schema.Literal("all"), Schema.Array(Schema.String)])

const exampleSite = "0f8fad5b-d9cb-469f-a165-70867728950e"
const nullableTime = Schema.NullOr(Fields.time)

const issuer = Schema.NullOr(Fields.uuid).annotate({
  description: "The session or the key that created it; null if the command line did"
})

export const Keys = Schema.Struct({
  keys: Schema.Array(
    Schema.Struct({
      key_id: Fields.uuid,
      scope: Schema.Literals(Scope.scopes),
      sites: reached,
      label: Schema.NullOr(Schema.String),
      created_at: Fields.time,
      expires_at: nullableTime,
      revoked_at: nullableTime,
      issued_by: issuer
    })
  )
}).annotate({
  identifier: "Keys",
  title: "Keys",
  examples: [
    {
      keys: [
        {
          key_id: Examples.id,
          scope: "stats",
          sites: [exampleSite],
          label: "Dashboard",
          created_at: Examples.time,
          expires_at: null,
          revoked_at: null,
          issued_by: null
        }
      ]
    }
  ]
})

export const NewKey = Schema.Struct({
  scope: Wire.Choice(Scope.scopes, { title: "Scope" }),
  sites,
  label,
  expires_at: Schema.optionalKey(Fields.expiry("When it expires, such as 2030-01-31; never if absent"))
}).annotate({
  identifier: "NewKey",
  title: "NewKey",
  examples: [{ scope: "stats", sites: [exampleSite], label: "Dashboard" }]
})

export const IssuedKey = Schema.Struct({
  key_id: Fields.uuid,
  key: Schema.String.annotate({ description: "It is not shown again" }),
  expires_at: nullableTime
}).annotate({
  identifier: "IssuedKey",
  title: "IssuedKey",
  examples: [{ key_id: Examples.id, key: `hok_${"A".repeat(43)}`, expires_at: null }]
})

export const keys = HttpApiEndpoint.get("keys", "/v1/owner/keys", {
  success: Keys,
  error: Errors.NotFound
}).annotateMerge(
  OpenApi.annotations({
    identifier: "list_keys",
    summary: "List keys",
    description: "The keys whose access does not exceed that of the request, without their secrets. Scope `write`."
  })
)

export const issueKey = HttpApiEndpoint.post("issueKey", "/v1/owner/keys", {
  payload: NewKey,
  success: IssuedKey,
  error: Errors.NotFound
}).annotateMerge(
  OpenApi.annotations({
    identifier: "issue_key",
    summary: "Issue a key",
    description: `Issues a key. ${bound("keys")} ${rights("key")}`
  })
)

export const revokeKey = HttpApiEndpoint.delete("revokeKey", "/v1/owner/keys/:key_id", {
  params: { key_id: Wire.Uuid({ title: "Key Id" }) },
  query: { with_opened: withOpened },
  success: HttpApiSchema.NoContent,
  error: Errors.NotFound
}).annotateMerge(
  OpenApi.annotations({
    identifier: "revoke_key",
    summary: "Revoke a key",
    description: `Revokes a key and the keys that it issued, on every process within a second. The links that they created and that are not opened are void. ${openedRemain} ${rights("key")}`
  })
)

export const Sessions = Schema.Struct({
  can_mail: Schema.Boolean.annotate({ description: "Whether the service can mail a link" }),
  sessions: Schema.Array(
    Schema.Struct({
      session_id: Fields.uuid,
      role: Schema.Literals(Role.roles),
      sites: reached,
      label: Schema.NullOr(Schema.String),
      created_at: Fields.time,
      opened_at: nullableTime.annotate({ description: "Null while the link is not opened" }),
      last_used_at: nullableTime,
      ends_at: Fields.time.annotate({
        description: "When the session ends, or the link expires, if it is not used again"
      }),
      created_by: issuer,
      current: Schema.Boolean.annotate({ description: "Whether it is the session of the request" })
    })
  )
}).annotate({
  identifier: "Sessions",
  title: "Sessions",
  examples: [
    {
      can_mail: true,
      sessions: [
        {
          session_id: Examples.id,
          role: "viewer",
          sites: [exampleSite],
          label: "Ada",
          created_at: Examples.time,
          opened_at: null,
          last_used_at: null,
          ends_at: "2026-11-25T10:00:00.000Z",
          created_by: null,
          current: false
        }
      ]
    }
  ]
})

export const NewLink = Schema.Struct({
  role: Wire.Choice(Role.roles, { title: "Role" }),
  sites,
  label,
  email: Schema.optionalKey(
    Fields.parsed(
      { type: "string", format: "email", description: "Where to mail the link. The address is not stored" },
      (text) => Option.liftPredicate(text.trim(), Address.isAddress),
      "an email address such as ada@example.com is expected"
    )
  ),
  expires_at: Schema.optionalKey(Fields.expiry("When the link expires, within a week; in an hour if absent"))
}).annotate({
  identifier: "NewLink",
  title: "NewLink",
  examples: [{ role: "viewer", sites: [exampleSite], label: "Ada" }]
})

export const CreatedLink = Schema.Struct({
  session_id: Fields.uuid,
  path: Schema.NullOr(Schema.String).annotate({
    description: "The link without the console's origin, which is not shown again; null if the link was mailed"
  }),
  mailed: Schema.Boolean.annotate({ description: "Whether the mail server accepted the mail with the link" }),
  expires_at: Fields.time
}).annotate({
  identifier: "CreatedLink",
  title: "CreatedLink",
  examples: [
    { session_id: Examples.id, path: `/console/#/link/hcl_${"A".repeat(43)}`, mailed: false, expires_at: Examples.time }
  ]
})

export const sessions = HttpApiEndpoint.get("sessions", "/v1/owner/sessions", {
  success: Sessions,
  error: Errors.NotFound
}).annotateMerge(
  OpenApi.annotations({
    identifier: "list_sessions",
    summary: "List sessions",
    description: "The sessions and the unopened links whose access does not exceed that of the request. Scope `write`."
  })
)

export const createLink = HttpApiEndpoint.post("createLink", "/v1/owner/sessions", {
  payload: NewLink,
  success: CreatedLink,
  error: Errors.NotFound
}).annotateMerge(
  OpenApi.annotations({
    identifier: "create_link",
    summary: "Create a link to the console",
    description: `Creates a link that opens a session once, and mails it if there is an \`email\` and the service sends mails: at most 10 an hour for a website. If the mail server does not take the mail, there is no link: 422. ${bound("sessions and links")} ${rights("link")}`
  })
)

export const revokeSession = HttpApiEndpoint.delete("revokeSession", "/v1/owner/sessions/:session_id", {
  params: { session_id: Wire.Uuid({ title: "Session Id" }) },
  query: { with_opened: withOpened },
  success: HttpApiSchema.NoContent,
  error: Errors.NotFound
}).annotateMerge(
  OpenApi.annotations({
    identifier: "revoke_session",
    summary: "End a session",
    description: `Ends a session, or voids its link, on every process within a second. The keys that were issued in it are revoked, and the links that were created in it and not opened are void. ${openedRemain} ${rights("session")}`
  })
)

export class CredentialsGroup extends HttpApiGroup.make("credentials")
  .add(keys, issueKey, revokeKey, sessions, createLink, revokeSession)
  .annotateMerge(
    OpenApi.annotations({ title: "Credentials", description: "Keys of programs, and sessions of people" })
  ) {}
