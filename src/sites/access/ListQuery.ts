/**
 * Reads the query parameters of lists, and writes their `next`. Pure.
 *
 * @module
 */
import type { WebsiteConfigId } from "../../platform/Id.ts"
import * as Cursor from "../../platform/text/Cursor.ts"
import * as Fields from "./Fields.ts"

interface Range {
  readonly cursor?: Cursor.Position
  readonly limit?: number
}

/** The part of a list that is requested. */
export const rangeOf = ({ cursor, limit = Fields.defaultLimit }: Range) => ({ after: cursor ?? null, limit })

/** The part of a list of keys or sessions that is requested, and the website that they must reach. */
export const of = ({ site_id: reaching, ...range }: Range & { readonly site_id?: WebsiteConfigId }) => ({
  ...rangeOf(range),
  reaching: reaching ?? null
})

export const formatNext = (next: Cursor.Position | null): string | null => (next === null ? null : Cursor.format(next))
