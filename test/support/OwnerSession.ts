/**
 * Requests of a session that may change one website.
 *
 * @module
 */
import { Effect } from "effect"
import { SiteDirectory } from "../../src/sites/SiteDirectory.ts"
import { newCookie, send } from "./OwnerRequests.ts"
import { TestServer } from "./TestServer.ts"

const newSite = SiteDirectory.use((sites) => sites.create({ name: "A", origins: [] })).pipe(Effect.orDie)

/** Creates a website and a session of its owner. `request` sends a request about the website. */
export const opened = Effect.gen(function* () {
  const { url } = yield* TestServer
  const site = yield* newSite
  const cookie = yield* newCookie("owner", [site.websiteConfigId])
  const request = (method: string, path: string, body?: unknown) =>
    send(url, `/v1/owner/sites/${site.websiteConfigId}${path}`, {
      cookie,
      ...(body === undefined ? {} : { body }),
      init: { method }
    })
  return { site, request }
})

/** The locations of the errors of a 422. */
export const locationsOf = (text: string) =>
  (JSON.parse(text) as { detail: ReadonlyArray<{ loc: ReadonlyArray<string> }> }).detail.map(({ loc }) => loc.join("."))
