/**
 * Checks the origin of the page that sent a request.
 *
 * @module
 */
import * as Origin from "../platform/http/Origin.ts"

/** Whether a site or an instance that allows `origins` accepts a request; see `platform/http/Origin`. */
export const isAllowed = (
  { headers }: { readonly headers: Readonly<Record<string, string | undefined>> },
  origins: ReadonlyArray<string>
): boolean => Origin.isAllowed(origins, { origin: headers["origin"], secFetchSite: headers["sec-fetch-site"] })
