/**
 * Finds the problems of websites. The interface only; see `health/postgres/Problems`.
 *
 * @module
 */
import { Context, type Effect } from "effect"
import type { WebsiteConfigId } from "../platform/Id.ts"
import type { ReportTimeout, StorageUnavailable } from "../platform/Storage.ts"
import type { Site } from "../sites/Site.ts"
import type { Problem } from "./Problem.ts"

/** What is read of a website to find its problems. */
export type CheckedSite = Pick<Site, "websiteConfigId" | "hostedWebsiteId" | "origins">

export class Problems extends Context.Service<
  Problems,
  {
    /**
     * The problems of websites now, the most urgent first. A website without a problem has an empty list. The number of statements
     * does not depend on the number of websites, so that a page of websites needs one call.
     */
    readonly of: (
      sites: ReadonlyArray<CheckedSite>
    ) => Effect.Effect<ReadonlyMap<WebsiteConfigId, ReadonlyArray<Problem>>, StorageUnavailable | ReportTimeout>
  }
>()("hydracore/health/Problems") {}
