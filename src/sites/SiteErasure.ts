/**
 * Deletes a website and its data. The interface only; see `privacy/postgres/SiteErasure`.
 *
 * @module
 */
import { Context, type Effect, type Option, Schema } from "effect"
import type { WebsiteConfigId } from "../platform/Id.ts"
import type { StorageUnavailable } from "../platform/Storage.ts"

/** The numbers of deleted rows. */
export const Erased = Schema.Struct({
  page_views: Schema.Int,
  /** Page views with an `exclusion`, of bots and of referrer spam. */
  bot_views: Schema.Int,
  events: Schema.Int,
  conversions: Schema.Int,
  /** Quarantined submissions included. */
  submissions: Schema.Int,
  /** The conversations of the instances that served the website. */
  conversations: Schema.Int
})

export type Erased = typeof Erased.Type

export interface Options {
  /**
   * Whether the website's instances are deleted with it: their tokens stop at once and for good, so visitors cannot store
   * conversations that no owner can see. Otherwise the instances stay, with their tokens, and belong to no website.
   */
  readonly withInstances: boolean
}

export class SiteErasure extends Context.Service<
  SiteErasure,
  {
    /** The name of a website, also of one whose erasure began and did not complete. */
    readonly nameOf: (websiteConfigId: WebsiteConfigId) => Effect.Effect<Option.Option<string>, StorageUnavailable>
    /**
     * Deletes a website with its page views, events, submissions, conversations and counts, and returns their numbers; none
     * if there is no such website. Once the erasure has begun, only cached lookups find the website, and nothing more is
     * stored for it: new data is refused as for an unknown website. The owner keys, console sessions and links that reach no other
     * website are deleted with it.
     *
     * An interrupted erasure continues when `erase` is called again, which several processes may do at once. Each call returns
     * the numbers of the rows that it deleted itself. The maintenance also continues it, but deletes
     * no instances: those that were to be deleted stay, without tokens.
     */
    readonly erase: (
      websiteConfigId: WebsiteConfigId,
      options?: Options
    ) => Effect.Effect<Option.Option<Erased>, StorageUnavailable>
  }
>()("hydracore/sites/SiteErasure") {}
