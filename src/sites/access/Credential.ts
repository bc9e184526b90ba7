/**
 * The secrets that authenticate clients: their syntax, their digest, when they are valid, what their revocation includes, and what the
 * endpoints of keys and of sessions share. Pure: the random bytes and the time are arguments.
 *
 * @module
 */
import { hash, timingSafeEqual } from "node:crypto"
import { Result, Schema } from "effect"
import * as Field from "../../platform/contract/Field.ts"
import { WebsiteConfigId } from "../../platform/Id.ts"
import { dayMillis } from "../../platform/text/Calendar.ts"
import type * as Cursor from "../../platform/text/Cursor.ts"
import type { Access } from "./Access.ts"
import * as Fields from "./Fields.ts"

/** The syntax of one kind of secrets: a prefix, an underscore, and 32 bytes in base64url. */
export interface Syntax {
  /** Makes a secret of 32 random bytes. */
  readonly format: (bytes: Uint8Array) => string
  /** Whether a text can be a secret of this kind. Any other text needs no lookup. */
  readonly isWellFormed: (text: string) => boolean
}

/** @param prefix lower-case letters */
export const syntax = (prefix: string): Syntax => {
  const pattern = new RegExp(`^${prefix}_[A-Za-z0-9_-]{43}$`)
  return {
    format: (bytes) => `${prefix}_${Buffer.from(bytes).toString("base64url")}`,
    isWellFormed: (text) => pattern.test(text)
  }
}

/** What is stored of a secret: 32 bytes of SHA-256. A secret has 256 random bits, so it needs no slow hash. */
export const digest = (secret: string): Uint8Array => hash("sha256", secret, "buffer")

/** Compares two digests in constant time. */
export const sameDigest = (left: Uint8Array, right: Uint8Array): boolean =>
  left.length === right.length && timingSafeEqual(left, right)

/** When a secret stops being valid, in milliseconds since 1970. */
export interface Validity {
  readonly expiresAt: number | null
  readonly revokedAt: number | null
}

/** How long after its revocation or expiry a secret is deleted with its label, in milliseconds. */
export const keptMillis = 30 * dayMillis

/** Whether a secret is valid at a time (milliseconds since 1970): not revoked and not expired. */
export const isValidAt = ({ expiresAt, revokedAt }: Validity, now: number): boolean =>
  revokedAt === null && (expiresAt === null || now < expiresAt)

/** The state of a secret at a time, in one word. */
export const stateAt = (validity: Validity, now: number): "valid" | "expired" | "revoked" =>
  validity.revokedAt !== null ? "revoked" : isValidAt(validity, now) ? "valid" : "expired"

/** What is revoked together with a key or a session. */
export interface RevokeOptions {
  /**
   * Whether the sessions that were opened with its links also end, with the keys and the links that were created in them. If
   * not, invited colleagues keep their sessions, but so does a thief who has already opened a link.
   */
  readonly withOpened?: boolean
}

/** Which keys or sessions a caller may revoke. */
export interface ManagedBy {
  /** The websites of the caller: only what reaches no other one is revoked. Absent for the operator, who revokes any. */
  readonly callerSites?: Access["sites"]
}

/** Which requests may manage a `noun`, for a description. */
export const rights = (noun: string): string => `404 if the access of the ${noun} exceeds that of the request.`

/** The keys, sessions and links that come from a revoked key or session and are still valid. */
const Remaining = Schema.Struct({
  keys: Schema.Int.annotate({ description: "Keys that remain valid" }),
  sessions: Schema.Int.annotate({ description: "Sessions and unopened links that remain valid" })
}).annotate({ description: "What came from it through links that were opened" })

export type Remaining = typeof Remaining.Type

export const nothingRemains: Remaining = { keys: 0, sessions: 0 }

/** The answer to a revocation. */
export const Revoked = Schema.Struct({ remaining: Remaining }).annotate({
  identifier: "Revoked",
  examples: [{ remaining: { keys: 0, sessions: 1 } }]
})

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
