/**
 * The secret URL of a shared dashboard: anyone who has the URL can view the dashboard. Pure: times are arguments, in
 * milliseconds since 1970.
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

/** The path and fragment of a shared dashboard's URL. Browsers do not send the fragment, which follows `#`, to servers. */
export const pathOf = (secret: string): string => `/console/#/share/${secret}`

export const isValidAt = ({ expiresAt }: Share, now: number): boolean => expiresAt === null || now < expiresAt
