/**
 * Credits visits with leads. The interface only; see `analytics/postgres/Leads`.
 *
 * @module
 */
import { Context, type Effect } from "effect"
import type { InstanceId } from "../platform/Id.ts"
import type { StorageUnavailable } from "../platform/Storage.ts"

/** The result of one pass over the pending leads. */
export interface Matched {
  /** Leads whose visit was found. */
  readonly matched: number
  /** Leads without a visit, which were dropped after `Lead.maxWaitMillis`. */
  readonly dropped: number
}

export class Leads extends Context.Service<
  Leads,
  {
    /**
     * Stores a pending lead for a chat whose conversation the edge does not store. Does nothing for an instance without a
     * website. (`SubmissionRepo.submit` stores the leads of submissions, and `ConversationStore.begin` those of stored
     * conversations.)
     */
    readonly addChat: (chat: {
      readonly instanceId: InstanceId
      /** See `Lead.PendingLead`. */
      readonly visitorHashes: ReadonlyArray<string>
      /** Milliseconds since 1970. */
      readonly receivedAt: number
    }) => Effect.Effect<void, StorageUnavailable>
    /**
     * Finds the visits of the pending leads. In one transaction, a lead whose visit is found becomes a conversion, a submission
     * gets its visit's attribution, a stored conversation that began with the lead gets the visit's page, source and country, and
     * the pending lead is deleted. A quarantined submission gets the attribution, but becomes
     * no conversion. Concurrent calls handle each lead once.
     */
    readonly match: Effect.Effect<Matched, StorageUnavailable>
  }
>()("hydracore/analytics/Leads") {}
