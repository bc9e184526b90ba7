/**
 * The token with which a widget authenticates. It stands in the page, so every visitor can read it. Pure.
 *
 * @module
 */
import { Schema } from "effect"
import { TokenId } from "../platform/Id.ts"
import type * as Cursor from "../platform/text/Cursor.ts"
import * as Credential from "../sites/access/Credential.ts"
import * as Fields from "../sites/access/Fields.ts"
import * as Maximums from "../sites/Maximums.ts"

/** A token, as the owner API and the commands show it. */
export const WidgetToken = Schema.Struct({
  token_id: TokenId,
  label: Schema.NullOr(Schema.String),
  created_at: Fields.time,
  expires_at: Fields.nullableTime,
  revoked_at: Fields.nullableTime,
  token: Schema.NullOr(Schema.String).annotate({
    description: "Null if it is revoked, or if an earlier version issued it and stored only its digest"
  })
})

export type WidgetToken = typeof WidgetToken.Type

/** A token whose text is known, as when it is issued. */
export type IssuedToken = WidgetToken & { readonly token: string }

/** Its place in a list. */
export const positionOf = ({ created_at, token_id }: WidgetToken): Cursor.Position => ({
  time: Date.parse(created_at),
  id: token_id
})

const millis = (time: string | null): number | null => (time === null ? null : Date.parse(time))

/** When it stops being valid. */
export const validityOf = ({ expires_at, revoked_at }: WidgetToken): Credential.Validity => ({
  expiresAt: millis(expires_at),
  revokedAt: millis(revoked_at)
})

/** `hwt_` and 43 characters. */
export const { format, isWellFormed } = Credential.syntax("hwt")

/**
 * The text for an instance's tag at a time (milliseconds since 1970): the one of the newest token that is valid and whose text is
 * known. Null if there is none.
 *
 * @param tokens oldest first
 */
export const textFor = (tokens: ReadonlyArray<WidgetToken>, now: number): string | null =>
  tokens.findLast((token) => token.token !== null && Credential.isValidAt(validityOf(token), now))?.token ?? null

/** The maximum that an instance with this many tokens has reached; undefined if it may have another one. */
export const reached = ({
  stored,
  unrevoked
}: {
  readonly stored: number
  readonly unrevoked: number
}): Maximums.Maximum | undefined => {
  if (unrevoked >= Maximums.tokens.max) return Maximums.tokens
  return stored >= Maximums.storedTokens.max ? Maximums.storedTokens : undefined
}
