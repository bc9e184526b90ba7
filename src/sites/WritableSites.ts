/**
 * The websites for which data may be stored, for a store that does not hold the websites. The interface only; see
 * `sites/postgres/WritableSites`.
 *
 * @module
 */
import { Context, type Effect } from "effect"
import type { StorageUnavailable } from "../platform/Storage.ts"

export class WritableSites extends Context.Service<
  WritableSites,
  {
    /**
     * Runs `write` with those of the hosted websites that exist and are not being deleted. A deletion that begins meanwhile
     * deletes the website's data after `write` has ended. If the result is `StorageUnavailable`, `write` may have succeeded.
     */
    readonly during: <A, E, R>(
      hostedWebsiteIds: ReadonlySet<string>,
      write: (writable: ReadonlySet<string>) => Effect.Effect<A, E, R>
    ) => Effect.Effect<A, E | StorageUnavailable, R>
  }
>()("hydracore/sites/WritableSites") {}
