/**
 * Runs the creations of a website one after another. Each creation first reads how much the website has: without turns,
 * concurrent requests would all read the same number and exceed the maximum together. The interface only; see
 * `sites/access/postgres/CreationTurns`.
 *
 * @module
 */
import { Context, type Effect } from "effect"
import type { StorageUnavailable } from "../../platform/Storage.ts"

export class CreationTurns extends Context.Service<
  CreationTurns,
  {
    /**
     * Runs a creation while no other creation of one of these websites runs, in any process. If it fails, nothing is created. If
     * it fails with `StorageUnavailable`, it may have been created.
     */
    readonly inTurn: (
      websiteConfigIds: ReadonlyArray<string>
    ) => <A, E, R>(creation: Effect.Effect<A, E, R>) => Effect.Effect<A, E | StorageUnavailable, R>
  }
>()("hydracore/sites/access/CreationTurns") {}
