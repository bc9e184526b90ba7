/**
 * The endpoints that list the problems of websites.
 *
 * @module
 */
import { Effect } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { OwnerApi } from "../api/OwnerApi.ts"
import type { WebsiteConfigId } from "../platform/Id.ts"
import * as Cursor from "../platform/text/Cursor.ts"
import * as Access from "../sites/access/Access.ts"
import { Caller } from "../sites/access/AuthenticationApi.ts"
import * as Authorized from "../sites/access/Authorized.ts"
import * as Fields from "../sites/access/Fields.ts"
import { SiteSlots } from "../sites/access/SiteSlots.ts"
import { positionOf, SiteDirectory } from "../sites/SiteDirectory.ts"
import { type Problem, Problems, withoutSubject } from "./Problem.ts"

/** The maximum number of websites that a request checks. */
const maxChecked = 1_000

export const layer = HttpApiBuilder.group(
  OwnerApi,
  "health",
  Effect.fnUntraced(function* (handlers) {
    const directory = yield* SiteDirectory
    const problems = yield* Problems
    const { lists } = yield* SiteSlots

    /** The problems of a website as this caller may see them. */
    const shown = (access: ReadonlyArray<Access.Access>, id: WebsiteConfigId, found: ReadonlyArray<Problem>) =>
      Access.permits(access, "settings", "read", id) ? found : found.map(withoutSubject)

    return handlers
      .handle(
        "health",
        Effect.fnUntraced(function* () {
          const { site } = yield* Authorized.stats.read.proof
          const { access } = yield* Caller
          const id = site.websiteConfigId
          const found = yield* lists.run(id, problems.of([site]))
          return { problems: shown(access, id, found.get(id) ?? []) }
        })
      )
      .handle(
        "healthOfSites",
        Effect.fnUntraced(function* ({ query: { with_problems, ...range } }) {
          const caller = yield* Caller
          const { after, limit } = Fields.rangeOf(range)
          const checked = with_problems === "true" ? maxChecked : limit
          const { found, sites } = yield* lists.run(
            caller.id,
            Effect.gen(function* () {
              const reached = Access.sitesWith(caller.access, "stats", "read")
              const sites = yield* directory.search({ sites: reached, search: null, after, limit: checked + 1 })
              return { sites, found: yield* problems.of(sites.slice(0, checked)) }
            })
          )
          const part = Cursor.partOf(sites, checked, positionOf)
          const listed = part.items.flatMap((site) => {
            const own = found.get(site.websiteConfigId) ?? []
            return own.length === 0 && with_problems === "true" ? [] : [{ site, own }]
          })
          const items = listed.slice(0, limit)
          const last = items.at(-1)
          const next = listed.length > limit && last !== undefined ? positionOf(last.site) : part.next
          return {
            sites: items.map(({ own, site: { name, websiteConfigId } }) => ({
              site_id: websiteConfigId,
              name,
              problems: shown(caller.access, websiteConfigId, own)
            })),
            next: Fields.formatNext(next)
          }
        })
      )
  })
)
