/**
 * The sessions of people, and the links that open them.
 *
 * @module
 */
import { Schema } from "effect"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Field from "../../platform/contract/Field.ts"
import { SessionId } from "../../platform/Id.ts"
import * as Maximums from "../Maximums.ts"
import * as Authorized from "./Authorized.ts"
import { ConsoleSession } from "./ConsoleSession.ts"
import * as CredentialFields from "./CredentialFields.ts"
import * as Examples from "./Examples.ts"
import * as Fields from "./Fields.ts"
import * as Role from "./Role.ts"

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
  title: "Sessions",
  examples: [
    {
      can_mail: true,
      sessions: [
        {
          session_id: SessionId.make(Examples.id),
          person: null,
          roles: [{ role: "viewer", sites: [Examples.siteId] }],
          label: "Ada",
          email: "ada@example.com",
          device: null,
          created_at: Examples.time,
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

export const email = CredentialFields.emailOf("Where to mail the link, which makes the person with this address")

export const NewLink = Schema.Struct({
  role: Field.Choice(Role.roles, { title: "Role" }),
  sites: CredentialFields.sites,
  label: CredentialFields.label,
  email: Schema.optionalKey(email),
  expires_at: Schema.optionalKey(Fields.expiry("When the link expires, within a week; in an hour if absent"))
}).annotate({
  identifier: "NewLink",
  title: "NewLink",
  examples: [{ role: "viewer", sites: [Examples.siteId], label: "Ada" }]
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
  title: "CreatedLink",
  examples: [
    {
      session_id: SessionId.make(Examples.id),
      path: `/console/#/link/hcl_${"A".repeat(43)}`,
      mailed: false,
      expires_at: Examples.time
    }
  ]
})

export const sessions = HttpApiEndpoint.get("sessions", "/v1/owner/sessions", {
  query: CredentialFields.listQuery,
  success: Sessions
})
  .middleware(Authorized.caller.admin.read)
  .annotateMerge(
    Authorized.operation({
      identifier: "list_sessions",
      summary: "List sessions and links",
      description: `The sessions without a person and the unopened links whose access does not exceed that of the request, oldest first. ${CredentialFields.listed}`
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
      description: `Creates a link that opens a session once. Mails the link if there is an \`email\` and the service can send mails, at most 10 an hour for a website. An address that has not confirmed mails of the website gets at most three invitations and confirmation mails a day, at least ten minutes apart, and a website sends at most 20 of them a day; a 429 says when the next one is possible. An address that unsubscribed gets none (422). If the mail server does not accept the mail, the link is void and the response is 422. ${CredentialFields.rights("link")}`,
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
  query: { with_opened: CredentialFields.withOpened },
  success: CredentialFields.Revoked
})
  .middleware(Authorized.caller.admin.change)
  .annotateMerge(
    Authorized.operation({
      identifier: "revoke_session",
      summary: "End a session",
      description: `Ends a session, or voids its link, on every process within a second. The keys that were issued in it are revoked, and the links that were created in it and not opened are void. ${CredentialFields.openedRemain} ${CredentialFields.rights("session")}`
    })
  )

export class SessionsGroup extends HttpApiGroup.make("sessions")
  .add(sessions, createLink, mailLink, revokeSession)
  .annotateMerge(
    OpenApi.annotations({ title: "Sessions", description: "The sessions of people, and the links that open them" })
  ) {}
