/**
 * The session of a person in the console.
 *
 * @module
 */
import { Option, Schema } from "effect"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Field from "../../platform/contract/Field.ts"
import { PersonId, SessionId, WebsiteConfigId } from "../../platform/Id.ts"
import * as Maximums from "../Maximums.ts"
import { Authentication, Guest, Validation } from "./AuthenticationApi.ts"
import { operation } from "./Authorized.ts"
import * as ConsolePage from "./ConsolePage.ts"
import { ConsoleSession } from "./ConsoleSession.ts"
import * as Errors from "./Errors.ts"
import * as Fields from "./Fields.ts"
import { GrantedRole } from "./Person.ts"

const path = "/v1/owner/session"

export const Link = Schema.Struct({
  secret: Field.Text({ title: "Secret", maxLength: 200, description: "What follows `#/link/` in the link" })
}).annotate({ identifier: "Link", examples: [{ secret: `hcl_${"A".repeat(43)}` }] })

export const open = HttpApiEndpoint.post("open", path, {
  payload: Link,
  success: HttpApiSchema.NoContent,
  error: [Errors.Unauthorized, Errors.NotFound]
})
  .middleware(Validation)
  .middleware(Guest)
  .annotateMerge(
    OpenApi.annotations({
      identifier: "open_session",
      summary: "Open a session",
      description:
        "Opens a session with the secret of a console link, and sets the session's cookie. A link works once. 401 if the link is unknown, expired or used, or if a page of another origin sent the request."
    })
  )

const label = Schema.NullOr(Schema.String)
const person = ConsoleSession.fields.person
const roles = Schema.Array(GrantedRole)

export const LinkedSession = Schema.Struct({
  person,
  label,
  email: Schema.NullOr(Schema.String).annotate({
    description: "The address that an invitation was mailed to; opening it makes this person"
  }),
  roles,
  sites: Schema.Array(Schema.Struct({ site_id: WebsiteConfigId, name: Schema.String })).annotate({
    description: "The names of the websites in `roles`, at most 20"
  }),
  expires_at: Fields.time.annotate({ description: "When the link expires" })
}).annotate({
  identifier: "LinkedSession",
  examples: [
    {
      person: null,
      label: "Ada",
      email: null,
      roles: [{ role: "viewer", sites: [Fields.exampleSiteId] }],
      sites: [{ site_id: Fields.exampleSiteId, name: "Docs" }],
      expires_at: Fields.exampleTime
    }
  ]
})

export const readLink = HttpApiEndpoint.post("readLink", `${path}/link`, {
  payload: Link,
  success: LinkedSession,
  error: [Errors.Unauthorized, Errors.NotFound]
})
  .middleware(Validation)
  .middleware(Guest)
  .annotateMerge(
    OpenApi.annotations({
      identifier: "read_link",
      summary: "Read a link",
      description:
        "Says which session the secret of a console link opens, without opening it. 401 for the same reasons as opening it."
    })
  )

const loginPath = "/v1/owner/login"

export const LoginFacts = Schema.Struct({
  can_mail: Schema.Boolean.annotate({ description: "Whether the service mails links to log in" })
}).annotate({ identifier: "LoginFacts", examples: [{ can_mail: true }] })

export const readLogin = HttpApiEndpoint.get("readLogin", loginPath, {
  success: LoginFacts,
  error: [Errors.Unauthorized, Errors.NotFound]
})
  .middleware(Validation)
  .middleware(Guest)
  .annotateMerge(
    OpenApi.annotations({
      identifier: "read_login",
      summary: "Read how people log in",
      description:
        "Whether a person can request a link by mail. Otherwise only the operator and owners create links. 401 if a page of another origin sent the request."
    })
  )

/** A page of the console: what follows the path in its address. It is in a mail, so it holds no text for people. */
const page = Fields.parsed(
  {
    type: "string",
    pattern: ConsolePage.pattern,
    maxLength: ConsolePage.maxLength,
    description: "The page of the console that opens after the log-in, such as `#/`"
  },
  Option.liftPredicate(ConsolePage.isNameable),
  "a page of the console such as #/ is expected"
)

export const Login = Schema.Struct({
  email: Fields.email("Where to mail the link"),
  page: Schema.optionalKey(page)
}).annotate({
  identifier: "Login",
  examples: [{ email: "ada@example.com" }]
})

export const login = HttpApiEndpoint.post("login", loginPath, {
  payload: Login,
  success: HttpApiSchema.NoContent,
  error: [Errors.Unauthorized, Errors.NotFound]
})
  .middleware(Validation)
  .middleware(Guest)
  .annotateMerge(
    OpenApi.annotations({
      identifier: "login",
      summary: "Request a link to log in",
      description:
        "Mails a link that opens a session of the person with this address, once, within 15 minutes. The answer is the same if there is no such person. An IP address may request 20 links an hour, and 5 may be requested for an email address (429). 401 if a page of another origin sent the request. 404 if the service sends no mail."
    })
  )

export const Session = Schema.Struct({
  session_id: SessionId,
  person,
  label,
  roles,
  expires_at: Fields.time.annotate({ description: "When the session ends if it is not used again" })
}).annotate({
  identifier: "Session",
  examples: [
    {
      session_id: SessionId.make(Fields.exampleId),
      person: { person_id: PersonId.make(Fields.exampleId), email: "ada@example.com", name: "Ada" },
      label: null,
      roles: [{ role: "owner", sites: [Fields.exampleSiteId] }],
      expires_at: "2026-12-25T09:00:00.000Z"
    }
  ]
})

export const current = HttpApiEndpoint.get("current", path, { success: Session, error: Errors.NotFound })
  .middleware(Validation)
  .middleware(Authentication)
  .annotateMerge(
    OpenApi.annotations({
      identifier: "current_session",
      summary: "Read the session",
      description: "The session of the request's cookie. 404 for a request with a key, which has no session."
    })
  )

export const close = HttpApiEndpoint.delete("close", path, { success: HttpApiSchema.NoContent, error: Errors.NotFound })
  .middleware(Validation)
  .middleware(Authentication)
  .annotateMerge(
    OpenApi.annotations({
      identifier: "close_session",
      summary: "End the session",
      description: "Ends the session of the request's cookie, and clears the cookie."
    })
  )

const devicesPath = `${path}/devices`

export const Devices = Schema.Struct({
  devices: Schema.Array(
    Schema.Struct({
      session_id: SessionId,
      device: Schema.NullOr(Schema.String).annotate({ description: "The browser, such as `Firefox on Linux`" }),
      opened_at: Fields.time,
      last_used_at: Fields.time,
      current: Schema.Boolean.annotate({ description: "Whether it is the session of the request" })
    })
  )
}).annotate({
  identifier: "Devices",
  examples: [
    {
      devices: [
        {
          session_id: SessionId.make(Fields.exampleId),
          device: "Firefox on Linux",
          opened_at: Fields.exampleTime,
          last_used_at: Fields.exampleTime,
          current: true
        }
      ]
    }
  ]
})

export const devices = HttpApiEndpoint.get("devices", devicesPath, { success: Devices, error: Errors.NotFound })
  .middleware(Validation)
  .middleware(Authentication)
  .annotateMerge(
    OpenApi.annotations({
      identifier: "list_devices",
      summary: "List a person's devices",
      description:
        "The open sessions of the request's person, the latest used first; of a session without a person, only itself. 404 for a request with a key."
    })
  )

export const endDevice = HttpApiEndpoint.delete("endDevice", `${devicesPath}/:session_id`, {
  params: { session_id: Field.Id(SessionId, { title: "Session Id" }) },
  success: HttpApiSchema.NoContent,
  error: Errors.NotFound
})
  .middleware(Validation)
  .middleware(Authentication)
  .annotateMerge(
    OpenApi.annotations({
      identifier: "end_device",
      summary: "End a session of the person",
      description:
        "Logs a device of the request's person out, on every process within a second, and revokes the keys and unopened links that were created in its session. 404 if the session is of somebody else."
    })
  )

export const NewPerson = Schema.Struct({
  name: Fields.name("Name"),
  email: Schema.optionalKey(Fields.email("The person's address. Only a session without a person sends it"))
}).annotate({ identifier: "NewPerson", examples: [{ name: "Ada", email: "ada@example.com" }] })

export const NamedPerson = Schema.Struct({
  mailed: Schema.Boolean.annotate({
    description: "Whether a link was mailed to the address. The person exists once it is opened"
  })
}).annotate({ identifier: "NamedPerson", examples: [{ mailed: true }] })

export const setPerson = HttpApiEndpoint.put("setPerson", `${path}/person`, {
  payload: NewPerson,
  success: NamedPerson,
  error: Errors.NotFound
})
  .middleware(Validation)
  .middleware(Authentication)
  .annotateMerge(
    operation({
      identifier: "set_person",
      summary: "Say who uses the session",
      description: `Sets the name of the session's person. A session that a link opened without a person also sends an \`email\`: the service mails a link to it, with the limits of an invitation, which makes the person with the roles of the session; a service that sends no mail makes the person at once. 422 if there is such a person already and no mail can be sent. 404 for a request with a key.`,
      maximums: [Maximums.people]
    })
  )

/** Each endpoint declares its own middleware, because those of a person who has no session yet require none. */
export class SessionGroup extends HttpApiGroup.make("session")
  .add(open, readLink, readLogin, login, current, close, devices, endDevice, setPerson)
  .annotateMerge(OpenApi.annotations({ title: "Session", description: "The session of a person in the console" })) {}
