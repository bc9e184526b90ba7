/**
 * The session of a person in the console.
 *
 * @module
 */
import { Schema } from "effect"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Field from "../../platform/contract/Field.ts"
import { WebsiteConfigId } from "../../platform/Id.ts"
import { Authentication, Guest } from "./AuthenticationApi.ts"
import * as CredentialFields from "./CredentialFields.ts"
import * as Errors from "./Errors.ts"
import * as Examples from "./Examples.ts"
import * as Fields from "./Fields.ts"
import * as Role from "./Role.ts"
import { Validation } from "./ValidationApi.ts"

const path = "/v1/owner/session"

export const Link = Schema.Struct({
  secret: Field.Text({ title: "Secret", maxLength: 200, description: "What follows `#/link/` in the link" })
}).annotate({ identifier: "Link", title: "Link", examples: [{ secret: `hcl_${"A".repeat(43)}` }] })

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

const role = Schema.Literals(Role.roles).annotate({
  description: "A viewer can only read; an owner can also make changes"
})
const label = Schema.NullOr(Schema.String)

export const LinkedSession = Schema.Struct({
  role,
  label,
  sites: Schema.Union([
    Schema.Literal("all"),
    Schema.Array(Schema.Struct({ site_id: WebsiteConfigId, name: Schema.String }))
  ]).annotate({ description: "All websites, or those that the session will reach" }),
  expires_at: Fields.time.annotate({ description: "When the link expires" })
}).annotate({
  identifier: "LinkedSession",
  title: "LinkedSession",
  examples: [
    {
      role: "viewer",
      label: "Ada",
      sites: [{ site_id: Examples.siteId, name: "Docs" }],
      expires_at: Examples.time
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

export const Session = Schema.Struct({
  role,
  label,
  sites: CredentialFields.reached.annotate({
    description: "All websites, or the ids of those that the session reaches"
  }),
  expires_at: Fields.time.annotate({ description: "The latest time at which the session ends" })
}).annotate({
  identifier: "Session",
  title: "Session",
  examples: [{ role: "owner", label: "Ada", sites: [Examples.siteId], expires_at: "2026-12-25T09:00:00.000Z" }]
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

/** Each endpoint declares its own middleware, because `open` and `readLink` require no session. */
export class SessionGroup extends HttpApiGroup.make("session")
  .add(open, readLink, current, close)
  .annotateMerge(OpenApi.annotations({ title: "Session", description: "The session of a person in the console" })) {}
