/**
 * The secret URL of a shared dashboard: anyone who has the URL can view the dashboard. Pure: times are arguments, in
 * milliseconds since 1970.
 *
 * @module
 */
import { Schema } from "effect"
import type { WebsiteConfigId } from "../../platform/Id.ts"
import * as Credential from "./Credential.ts"

/** A share, without its secret, as the owner API shows it. */
export const Share = Schema.Struct({
  share_id: Schema.String.annotate({ format: "uuid" }),
  label: Schema.NullOr(Schema.String),
  created_at: Schema.String.annotate({ format: "date-time" }),
  /** Null if it does not expire. */
  expires_at: Schema.NullOr(Schema.String.annotate({ format: "date-time" }))
})

export type Share = typeof Share.Type

/** A share with its website, as the commands show it. */
export type SiteShare = Share & { readonly site_id: WebsiteConfigId }

/** `hsh_` and 43 characters. */
export const secret = Credential.syntax("hsh")

/** The path and fragment of a shared dashboard's URL. Browsers do not send the fragment, which follows `#`, to servers. */
export const pathOf = (secret: string): string => `/console/#/share/${secret}`

export const isValidAt = ({ expires_at }: Pick<Share, "expires_at">, now: number): boolean =>
  expires_at === null || now < Date.parse(expires_at)
