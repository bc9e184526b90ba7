/**
 * The token with which a widget authenticates. It stands in the page, so every visitor can read it. Pure.
 *
 * @module
 */

import type * as Cursor from "../platform/text/Cursor.ts"
import * as Credential from "../sites/access/Credential.ts"
import * as Maximums from "../sites/Maximums.ts"

/** A token as it is stored. */
export interface WidgetToken extends Credential.Validity {
  readonly tokenId: string
  readonly instanceId: string
  readonly label: string | null
  /** Milliseconds since 1970. */
  readonly createdAt: number
  /** Null if the token is revoked, or was issued by a version that stored only the digest. */
  readonly token: string | null
}

/** Its place in a list. */
export const positionOf = ({ createdAt, tokenId }: WidgetToken): Cursor.Position => ({ time: createdAt, id: tokenId })

/** A token whose text is known, as when it is issued. */
export interface IssuedToken extends WidgetToken {
  readonly token: string
}

/** `hwt_` and 43 characters. */
export const { format, isWellFormed } = Credential.syntax("hwt")

/** Whether a token can stand in a tag at a time (milliseconds since 1970): it is valid, and its text is known. */
const isUsable = (token: WidgetToken, now: number): token is IssuedToken =>
  token.token !== null && Credential.isValidAt(token, now)

/** The text for an instance's tag: the one of the newest token that can stand in it. Null if there is none. */
export const textFor = (tokens: ReadonlyArray<WidgetToken>, now: number): string | null =>
  tokens
    .filter((token) => isUsable(token, now))
    .reduce<IssuedToken | null>(
      (newest, token) => (newest === null || token.createdAt >= newest.createdAt ? token : newest),
      null
    )?.token ?? null

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
