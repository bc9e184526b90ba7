/**
 * What the endpoints of keys and of sessions share.
 *
 * @module
 */
import { Result, Schema } from "effect"
import * as Field from "../../platform/contract/Field.ts"
import { WebsiteConfigId } from "../../platform/Id.ts"
import type * as Cursor from "../../platform/text/Cursor.ts"
import type { Access } from "./Access.ts"
import * as Fields from "./Fields.ts"

/** Which requests may manage a `noun`, for a description. */
export const rights = (noun: string): string => `404 if the access of the ${noun} exceeds that of the request.`

/** The answer to a revocation. */
export const Revoked = Schema.Struct({
  remaining: Schema.Struct({
    keys: Schema.Int.annotate({ description: "Keys that remain valid" }),
    sessions: Schema.Int.annotate({ description: "Sessions and unopened links that remain valid" })
  }).annotate({ description: "What came from it through links that were opened" })
}).annotate({ identifier: "Revoked", title: "Revoked", examples: [{ remaining: { keys: 0, sessions: 1 } }] })

/** Which part of a list of these credentials to return. */
export const listQuery = {
  site_id: Schema.optionalKey(Field.Id(WebsiteConfigId, { title: "Site Id" })),
  cursor: Fields.cursor,
  limit: Fields.limit
}

/** What a list contains, for a description. */
export const listed =
  "`site_id` leaves out those that do not reach this website. `next` is the `cursor` of the next part, which `limit` bounds."

/** Whether the sessions that were opened with a credential's links end too. */
export const withOpened = Fields.choice(["true", "false"], { title: "With Opened" })

/** What remains without `withOpened`, for a description. */
export const openedRemain =
  "Sessions that were opened with its links remain, with the keys and links that were created in them; `with_opened=true` ends them too. `remaining` has their number."

/** The websites that a new credential reaches: `all`, or ids. */
export const sites = Field.custom<"all" | ReadonlyArray<WebsiteConfigId>>(
  {
    anyOf: [
      { const: "all" },
      { type: "array", items: { type: "string", format: "uuid" }, minItems: 1, maxItems: Fields.maxSelected }
    ],
    description: "All websites, also later ones, or those with these ids"
  },
  (input) => (input === "all" ? Result.succeed(input) : Fields.readSelection(WebsiteConfigId)(input))
)

export const label = Schema.optionalKey(Fields.name("Label"))

/** The websites that a stored credential reaches. */
export const reached = Schema.Union([Schema.Literal("all"), Schema.Array(WebsiteConfigId)])

export const issuer = Schema.NullOr(Fields.uuid).annotate({
  description: "The session or the key that created it; null if the command line did"
})

/** Which keys or sessions a list has, by time of creation and id, oldest first. */
export interface CredentialQuery {
  /** Only those that a caller who may change `admin` of these websites may manage; see `Access.manages`. */
  readonly sites: Access["sites"]
  /** Only those that reach this website; null for any. */
  readonly reaching: WebsiteConfigId | null
  /** Only those after this position; null from the first. */
  readonly after: Cursor.Position | null
  readonly limit: number
}
