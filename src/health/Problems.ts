/**
 * Finds the problems of websites. The interface only; see `health/postgres/Problems`.
 *
 * @module
 */
import { Context, type Effect } from "effect"
import type { WebsiteConfigId } from "../platform/Id.ts"
import type { ReportTimeout, StorageUnavailable } from "../platform/Storage.ts"
import type { Access } from "../sites/access/Access.ts"
import type { Site } from "../sites/Site.ts"
import type { Problem } from "./Problem.ts"

/** What is read of a website to find its problems. */
export type CheckedSite = Pick<Site, "websiteConfigId" | "hostedWebsiteId">

/** The problems of websites. */
export type Found = ReadonlyMap<WebsiteConfigId, ReadonlyArray<Problem>>

export class Problems extends Context.Service<
  Problems,
  {
    /**
     * The problems of websites now, the most urgent first. A website without a problem has an empty list. The number of statements
     * does not depend on the number of websites, so that a page of websites needs one call.
     */
    readonly of: (sites: ReadonlyArray<CheckedSite>) => Effect.Effect<Found, StorageUnavailable | ReportTimeout>
    /** The same of all these websites, or of every website; those without a problem are missing. */
    readonly among: (sites: Access["sites"]) => Effect.Effect<Found, StorageUnavailable | ReportTimeout>
  }
>()("hydracore/health/Problems") {}
