/**
 * Deletes a website and all that is stored of it. The interface alone; see `memory/sites/SiteErasure` and
 * `postgres/sites/SiteErasure`.
 *
 * @module
 */
import { Context, type Effect, type Option } from "effect"
import type { StorageUnavailable } from "../Storage.ts"

/** How much was deleted of a website, in rows. */
export interface Erased {
  readonly pageViews: number
  /** Page views of robots. */
  readonly botViews: number
  /** Those of the quarantine too. */
  readonly submissions: number
  readonly idempotencyKeys: number
  /** Counts of what was not counted: one a day and reason. */
  readonly decisionCounts: number
}

export class SiteErasure extends Context.Service<
  SiteErasure,
  {
    /** The name of a website (its website_config id), also of one whose erasure was begun and did not end. */
    readonly nameOf: (websiteConfigId: string) => Effect.Effect<Option.Option<string>, StorageUnavailable>
    /**
     * Deletes a website with all that is stored of it, for good, and returns how much that was; none if there is no such
     * website. The instances that served it stay, and then serve none. From its beginning on the website is found by nobody but who remembers it, and nothing more is stored of it:
     * what comes is refused as of a website that never was. What was acknowledged before is deleted with the rest.
     *
     * It may be broken off at any moment and called again, also by several at once: it then goes on. What others deleted
     * meanwhile, or what was deleted before, is not counted.
     */
    readonly erase: (websiteConfigId: string) => Effect.Effect<Option.Option<Erased>, StorageUnavailable>
  }
>()("hydracore/services/SiteErasure") {}
