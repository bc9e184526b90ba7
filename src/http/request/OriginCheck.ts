/**
 * Checks the origin of the page that sent a request.
 *
 * @module
 */
import * as Origin from "../../core/sites/Origin.ts"

/** Whether a site or an instance that allows `origins` accepts a request; see `core/sites/Origin`. */
export const isAllowed = (
  { headers }: { readonly headers: Readonly<Record<string, string | undefined>> },
  origins: ReadonlyArray<string>
): boolean => Origin.isAllowed(origins, { origin: headers["origin"], secFetchSite: headers["sec-fetch-site"] })
