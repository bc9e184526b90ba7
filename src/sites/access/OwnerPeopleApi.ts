/**
 * The people who log in to the console, and their roles. `POST /v1/owner/sessions` with an `email` invites a person.
 *
 * @module
 */
import { Schema } from "effect"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Field from "../../platform/contract/Field.ts"
import { PersonId, WebsiteConfigId } from "../../platform/Id.ts"
import * as Authorized from "./Authorized.ts"
import * as CredentialFields from "./CredentialFields.ts"
import * as Examples from "./Examples.ts"
import * as Fields from "./Fields.ts"
import { ListedPerson } from "./Person.ts"
import * as Role from "./Role.ts"

const path = "/v1/owner/people"

const params = { person_id: Field.Id(PersonId, { title: "Person Id" }) }

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
  title: "People",
  examples: [
    {
      people: [
        {
          person_id: PersonId.make(Examples.id),
          email: "ada@example.com",
          name: "Ada",
          confirmed: true,
          roles: [{ role: "member", sites: [Examples.siteId] }],
          created_at: Examples.time,
          last_used_at: Examples.time,
          current: false
        }
      ],
      next: null
    }
  ]
})

export const people = HttpApiEndpoint.get("people", path, { query: CredentialFields.listQuery, success: People })
  .middleware(Authorized.caller.admin.read)
  .annotateMerge(
    Authorized.operation({
      identifier: "list_people",
      summary: "List people",
      description: `The people with a role for a website that the request owns, with these roles, in the order in which they were added. ${CredentialFields.listed}`
    })
  )

export const NewRole = Schema.Struct({
  role: Field.Choice(Role.roles, { title: "Role" }),
  sites: CredentialFields.sites
}).annotate({ identifier: "NewRole", title: "NewRole", examples: [{ role: "owner", sites: [Examples.siteId] }] })

export const setRole = HttpApiEndpoint.put("setRole", `${path}/:person_id/role`, {
  params,
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

export const removePerson = HttpApiEndpoint.delete("removePerson", `${path}/:person_id`, {
  params,
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
