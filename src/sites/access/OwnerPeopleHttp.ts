/**
 * The endpoints at and below `/v1/owner/people`.
 *
 * @module
 */
import { Effect } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { OwnerApi } from "../../api/OwnerApi.ts"
import * as Cursor from "../../platform/text/Cursor.ts"
import * as Access from "./Access.ts"
import { Caller } from "./AuthenticationApi.ts"
import * as Errors from "./Errors.ts"
import * as ListQuery from "./ListQuery.ts"
import * as Person from "./Person.ts"
import * as Role from "./Role.ts"

const unknown = Errors.make(
  "NotFound",
  "No person has this person_id and a role that this request manages. `GET /v1/owner/people` lists them."
)

const withExpiry = Errors.invalid(
  "role",
  "the key of this request expires, and the role would outlast it; use a key that does not expire"
)

const orUnknown = (isChanged: boolean) => (isChanged ? Effect.void : Effect.fail(unknown))

/** The websites whose people the caller manages. */
const managed = Effect.map(Caller, ({ access }) => Access.sitesWith(access, "admin", "change"))

export const layer = HttpApiBuilder.group(
  OwnerApi,
  "people",
  Effect.fnUntraced(function* (handlers) {
    const people = yield* Person.People
    return handlers
      .handle(
        "people",
        Effect.fnUntraced(function* ({ query }) {
          const { session } = yield* Caller
          const range = { ...ListQuery.of(query), sites: yield* managed }
          const found = yield* people.list({ ...range, limit: range.limit + 1 })
          const { items, next } = Cursor.partOf(found, range.limit, Person.positionOf)
          return {
            people: items.map((each) => ({ ...each, current: each.person_id === session?.person?.person_id })),
            next: ListQuery.formatNext(next)
          }
        })
      )
      .handle(
        "setRole",
        Effect.fnUntraced(function* ({ params, payload }) {
          const { expiresAt } = yield* Caller
          // The lowest role raises nobody.
          if (expiresAt !== null && payload.role !== Role.roles[0]) return yield* Effect.fail(withExpiry)
          yield* orUnknown(yield* people.setRole(params.person_id, payload, { callerSites: yield* managed }))
        })
      )
      .handle(
        "removePerson",
        Effect.fnUntraced(function* ({ params, query: { site_id = null } }) {
          yield* orUnknown(yield* people.remove(params.person_id, site_id, { callerSites: yield* managed }))
        })
      )
  })
)
