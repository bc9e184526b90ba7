/**
 * The secret address of a shared dashboard, which anyone with the address can view. Pure: times are arguments, in milliseconds since
 * 1970.
 *
 * @module
 */
import * as Credential from "./Credential.ts"

/** A share as it is stored, without its secret. */
export interface Share {
  readonly shareId: string
  readonly websiteConfigId: string
  readonly label: string | null
  readonly createdAt: number
  /** Null if it does not expire. */
  readonly expiresAt: number | null
}

/** `hsh_` and 43 characters. */
export const secret = Credential.syntax("hsh")

/** The path of a shared dashboard. Browsers do not send what follows `#` to servers. */
export const pathOf = (secret: string): string => `/console/#/share/${secret}`

export const isValidAt = ({ expiresAt }: Share, now: number): boolean => expiresAt === null || now < expiresAt
