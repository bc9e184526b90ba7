/**
 * The secret with which a widget authenticates. Pure.
 *
 * @module
 */
import * as Credential from "../sites/Credential.ts"

/** A token as it is stored, without its secret. */
export interface WidgetToken extends Credential.Validity {
  readonly tokenId: string
  readonly instanceId: string
  readonly label: string | null
  /** Milliseconds since 1970. */
  readonly createdAt: number
}

/** A token with its secret, which is known only when the token is issued. */
export interface IssuedToken extends WidgetToken {
  readonly token: string
}

/** `hwt_` and 43 characters. */
export const { format, isWellFormed } = Credential.syntax("hwt")
