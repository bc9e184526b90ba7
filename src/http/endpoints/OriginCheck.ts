/**
 * What a request says of the page that it comes from.
 *
 * @module
 */
import * as Origin from "../../core/sites/Origin.ts"

/** Whether a request may use what names these origins; see `core/sites/Origin`. */
export const isAllowed = (
  { headers }: { readonly headers: Readonly<Record<string, string | undefined>> },
  origins: ReadonlyArray<string>
): boolean => Origin.isAllowed(origins, { origin: headers["origin"], secFetchSite: headers["sec-fetch-site"] })
