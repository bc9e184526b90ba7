/**
 * Websites, as the operator manages them, and the shared dashboards of all of them.
 *
 * @module
 */
import { Effect, Option } from "effect"
import type { WebsiteConfigId } from "../../platform/Id.ts"
import * as Errors from "../../sites/access/Errors.ts"
import { Share, Shares } from "../../sites/access/Share.ts"
import { wrongName } from "../../sites/OwnerSitesHttp.ts"
import { type RecordKind, RecordSites } from "../../sites/SiteDirectory.ts"
import { SiteErasure } from "../../sites/SiteErasure.ts"

const noRecord = Errors.make("NotFound", "Nothing has this id.")

export const make = Effect.fnUntraced(function* () {
  const erasure = yield* SiteErasure
  const records = yield* RecordSites
  const shares = yield* Shares
  return {
    /**
     * Deletes a website of this name as the owner API does, also one whose deletion was interrupted. Without `withInstances`, its
     * instances stay and serve no website, which only the operator can see.
     */
    delete: Effect.fnUntraced(function* (siteId: WebsiteConfigId, name: string, withInstances: boolean) {
      const stored = yield* erasure.nameOf(siteId)
      if (Option.isNone(stored)) return yield* Effect.fail(Errors.unknownSite)
      if (stored.value !== name) return yield* Effect.fail(wrongName)
      const erased = yield* erasure.erase(siteId, { withInstances })
      return yield* Effect.fromOption(erased, () => Errors.unknownSite)
    }),
    /** Finds the website of a record: the paths of the owner API begin with the website, and a command may name only the record. */
    siteOf: (kind: RecordKind, id: string) =>
      Effect.flatMap(
        records.siteOf(kind, id),
        Effect.fromOption(() => noRecord)
      ),
    /** Finds the websites of a name whose deletion was interrupted: the owner API no longer lists them. */
    deleting: records.deleting,
    /** All, oldest first. The owner API lists those of one website: with many websites, a request for each would take minutes. */
    shares: Effect.map(shares.list(null), (all) =>
      all.map((share) => ({ ...Share.make(share), site_id: share.site_id }))
    )
  }
})
