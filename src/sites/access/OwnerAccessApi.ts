/**
 * The keys of programs, the sessions of people with the links that open them, and the people who log in to the console, with their roles.
 * `POST /v1/owner/sessions` with an `email` invites a person.
 *
 * @module
 */
import { Schema } from "effect"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Field from "../../platform/contract/Field.ts"
import { KeyId, PersonId, SessionId, WebsiteConfigId } from "../../platform/Id.ts"
import * as Maximums from "../Maximums.ts"
import * as Access from "./Access.ts"
import * as Authorized from "./Authorized.ts"
import { ConsoleSession } from "./ConsoleSession.ts"
import * as Credential from "./Credential.ts"
import * as Fields from "./Fields.ts"
import { OwnerKey } from "./OwnerKey.ts"
import { ListedPerson } from "./Person.ts"

export const Keys = Schema.Struct({
  keys: Schema.Array(OwnerKey),
  next: Fields.next
}).annotate({
  identifier: "Keys",
  examples: [
    {
      keys: [
        {
          key_id: KeyId.make(Fields.exampleId),
          scope: "stats",
          sites: [Fields.exampleSiteId],
          label: "Dashboard",
          created_at: Fields.exampleTime,
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
  scope: Field.Choice(Access.scopes, { title: "Scope" }),
  sites: Credential.sites,
  label: Credential.label,
  expires_at: Schema.optionalKey(Fields.expiry("When it expires, such as 2030-01-31; never if absent"))
}).annotate({
  identifier: "NewKey",
  examples: [{ scope: "stats", sites: [Fields.exampleSiteId], label: "Dashboard" }]
})

export const IssuedKey = Schema.Struct({
  key_id: KeyId,
  key: Schema.String.annotate({ description: "It is not shown again" }),
  expires_at: Fields.nullableTime
}).annotate({
  identifier: "IssuedKey",
  examples: [{ key_id: KeyId.make(Fields.exampleId), key: `hok_${"A".repeat(43)}`, expires_at: null }]
})

export const keys = HttpApiEndpoint.get("keys", "/v1/owner/keys", {
  query: { ...Credential.listQuery, revoked: Fields.choice(["false"], { title: "Revoked" }) },
  success: Keys
})
  .middleware(Authorized.caller.admin.read)
  .annotateMerge(
    Authorized.operation({
      identifier: "list_keys",
      summary: "List keys",
      description: `The keys whose access does not exceed that of the request, oldest first, without their secrets. \`revoked=false\` leaves out the revoked ones. ${Credential.listed}`
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
      description: `Issues a key. ${Credential.rights("key")}`,
      maximums: [Maximums.keys, Maximums.storedKeys]
    })
  )

export const revokeKey = HttpApiEndpoint.delete("revokeKey", "/v1/owner/keys/:key_id", {
  params: { key_id: Field.Id(KeyId, { title: "Key Id" }) },
  query: { with_opened: Credential.withOpened },
  success: Credential.Revoked
})
  .middleware(Authorized.caller.admin.change)
  .annotateMerge(
    Authorized.operation({
      identifier: "revoke_key",
      summary: "Revoke a key",
      description: `Revokes a key and the keys that it issued, on every process within a second. The links that they created and that are not opened are void. ${Credential.openedRemain} ${Credential.rights("key")}`
    })
  )

export class KeysGroup extends HttpApiGroup.make("keys")
  .add(keys, issueKey, revokeKey)
  .annotateMerge(OpenApi.annotations({ title: "Keys", description: "The keys of programs" })) {}

export const Sessions = Schema.Struct({
  can_mail: Schema.Boolean.annotate({ description: "Whether the service can mail a link" }),
  sessions: Schema.Array(
    Schema.Struct({
      ...ConsoleSession.fields,
      current: Schema.Boolean.annotate({ description: "Whether it is the session of the request" })
    })
  ),
  next: Fields.next
}).annotate({
  identifier: "Sessions",
  examples: [
    {
      can_mail: true,
      sessions: [
        {
          session_id: SessionId.make(Fields.exampleId),
          person: null,
          roles: [{ role: "viewer", sites: [Fields.exampleSiteId] }],
          label: "Ada",
          email: "ada@example.com",
          device: null,
          created_at: Fields.exampleTime,
          opened_at: null,
          last_used_at: null,
          ends_at: "2026-11-25T10:00:00.000Z",
          created_by: null,
          current: false
        }
      ],
      next: null
    }
  ]
})

export const email = Fields.email("Where to mail the link, which makes the person with this address")

export const NewLink = Schema.Struct({
  role: Field.Choice(Access.roles, { title: "Role" }),
  sites: Credential.sites,
  label: Credential.label,
  email: Schema.optionalKey(email),
  expires_at: Schema.optionalKey(Fields.expiry("When the link expires, within a week; in an hour if absent"))
}).annotate({
  identifier: "NewLink",
  examples: [{ role: "viewer", sites: [Fields.exampleSiteId], label: "Ada" }]
})

export const CreatedLink = Schema.Struct({
  session_id: SessionId,
  path: Schema.NullOr(Schema.String).annotate({
    description: "The link as a path without the origin. It is not shown again. Null if the link was mailed"
  }),
  mailed: Schema.Boolean.annotate({ description: "Whether the mail server accepted the mail with the link" }),
  expires_at: Fields.time
}).annotate({
  identifier: "CreatedLink",
  examples: [
    {
      session_id: SessionId.make(Fields.exampleId),
      path: `/console/#/link/hcl_${"A".repeat(43)}`,
      mailed: false,
      expires_at: Fields.exampleTime
    }
  ]
})

export const sessions = HttpApiEndpoint.get("sessions", "/v1/owner/sessions", {
  query: Credential.listQuery,
  success: Sessions
})
  .middleware(Authorized.caller.admin.read)
  .annotateMerge(
    Authorized.operation({
      identifier: "list_sessions",
      summary: "List sessions and links",
      description: `The sessions without a person and the unopened links whose access does not exceed that of the request, oldest first. ${Credential.listed}`
    })
  )

export const createLink = HttpApiEndpoint.post("createLink", "/v1/owner/sessions", {
  payload: NewLink,
  success: CreatedLink
})
  .middleware(Authorized.caller.admin.change)
  .annotateMerge(
    Authorized.operation({
      identifier: "create_link",
      summary: "Create a link to the console",
      description: `Creates a link that opens a session once. Mails the link if there is an \`email\` and the service can send mails, at most 10 an hour for a website. An address that has not confirmed mails of the website gets at most three invitations and confirmation mails a day, at least ten minutes apart, and a website sends at most 20 of them a day; a 429 says when the next one is possible. An address that unsubscribed gets none (422). If the mail server does not accept the mail, the link is void and the response is 422. ${Credential.rights("link")}`,
      maximums: [Maximums.sessions, Maximums.people]
    })
  )

export const mailLink = HttpApiEndpoint.post("mailLink", "/v1/owner/sessions/:session_id/mail", {
  params: { session_id: Field.Id(SessionId, { title: "Session Id" }) },
  success: CreatedLink
})
  .middleware(Authorized.caller.admin.change)
  .annotateMerge(
    Authorized.operation({
      identifier: "mail_link",
      summary: "Send an invitation again",
      description:
        "Mails a new link to the address of an unopened one, which voids the link of the earlier mail. It can be opened for three days. The limits are those of a first invitation. 404 if there is no unopened link with this id that was mailed and that the request manages."
    })
  )

export const revokeSession = HttpApiEndpoint.delete("revokeSession", "/v1/owner/sessions/:session_id", {
  params: { session_id: Field.Id(SessionId, { title: "Session Id" }) },
  query: { with_opened: Credential.withOpened },
  success: Credential.Revoked
})
  .middleware(Authorized.caller.admin.change)
  .annotateMerge(
    Authorized.operation({
      identifier: "revoke_session",
      summary: "End a session",
      description: `Ends a session, or voids its link, on every process within a second. The keys that were issued in it are revoked, and the links that were created in it and not opened are void. ${Credential.openedRemain} ${Credential.rights("session")}`
    })
  )

export class SessionsGroup extends HttpApiGroup.make("sessions")
  .add(sessions, createLink, mailLink, revokeSession)
  .annotateMerge(
    OpenApi.annotations({ title: "Sessions", description: "The sessions of people, and the links that open them" })
  ) {}

const peoplePath = "/v1/owner/people"

const personParams = { person_id: Field.Id(PersonId, { title: "Person Id" }) }

export const People = Schema.Struct({
  people: Schema.Array(
    Schema.Struct({
      ...ListedPerson.fields,
      current: Schema.Boolean.annotate({ description: "Whether it is the person of the request" })
    })
  ),
  next: Fields.next
}).annotate({
  identifier: "People",
  examples: [
    {
      people: [
        {
          person_id: PersonId.make(Fields.exampleId),
          email: "ada@example.com",
          name: "Ada",
          confirmed: true,
          roles: [{ role: "member", sites: [Fields.exampleSiteId] }],
          created_at: Fields.exampleTime,
          last_used_at: Fields.exampleTime,
          current: false
        }
      ],
      next: null
    }
  ]
})

export const people = HttpApiEndpoint.get("people", peoplePath, { query: Credential.listQuery, success: People })
  .middleware(Authorized.caller.admin.read)
  .annotateMerge(
    Authorized.operation({
      identifier: "list_people",
      summary: "List people",
      description: `The people with a role for a website that the request owns, with these roles, in the order in which they were added. ${Credential.listed}`
    })
  )

export const NewRole = Schema.Struct({
  role: Field.Choice(Access.roles, { title: "Role" }),
  sites: Credential.sites
}).annotate({ identifier: "NewRole", examples: [{ role: "owner", sites: [Fields.exampleSiteId] }] })

export const setRole = HttpApiEndpoint.put("setRole", `${peoplePath}/:person_id/role`, {
  params: personParams,
  payload: NewRole,
  success: HttpApiSchema.NoContent
})
  .middleware(Authorized.caller.admin.change)
  .annotateMerge(
    Authorized.operation({
      identifier: "set_role",
      summary: "Change a person's role",
      description:
        "Changes the role of a person for websites for which the person has one, within a second. Keys and unopened links that the person created and that the new role could not create are revoked. 404 if the person has no role for one of the websites, or if the request does not own it."
    })
  )

export const removePerson = HttpApiEndpoint.delete("removePerson", `${peoplePath}/:person_id`, {
  params: personParams,
  query: { site_id: Schema.optionalKey(Field.Id(WebsiteConfigId, { title: "Site Id" })) },
  success: HttpApiSchema.NoContent
})
  .middleware(Authorized.caller.admin.change)
  .annotateMerge(
    Authorized.operation({
      identifier: "remove_person",
      summary: "Remove a person",
      description:
        "Takes the person's roles for the websites that the request owns, or only for `site_id`, and revokes the keys and the unopened links for them that the person created. A person without a role is deleted, and its sessions end on every process within a second. People whom the person invited stay."
    })
  )

export class PeopleGroup extends HttpApiGroup.make("people")
  .add(people, setRole, removePerson)
  .annotateMerge(OpenApi.annotations({ title: "People", description: "The people who log in to the console" })) {}
