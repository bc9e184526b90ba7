/**
 * Stores replies to visitors until they are sent, and afterwards with their submissions. The interface only; see
 * `delivery/mail/postgres/Replies`. `MailDispatcher` sends them.
 *
 * @module
 */
import { Context, type Effect, type Option } from "effect"
import type { SubmissionId, WebsiteConfigId } from "../../platform/Id.ts"
import type { StorageUnavailable } from "../../platform/Storage.ts"
import type { MailSettlement } from "./Mails.ts"
import type { LeasedReply, Reply, ReplyDraft } from "./Reply.ts"

export class Replies extends Context.Service<
  Replies,
  {
    /** Stores a reply to a submission, which is then sent; none if the website has no such submission. */
    readonly add: (
      websiteConfigId: WebsiteConfigId,
      submissionId: SubmissionId,
      draft: ReplyDraft
    ) => Effect.Effect<Option.Option<Reply>, StorageUnavailable>
    /** The latest 100 replies to a website's submission, oldest first. */
    readonly list: (
      websiteConfigId: WebsiteConfigId,
      submissionId: SubmissionId
    ) => Effect.Effect<ReadonlyArray<Reply>, StorageUnavailable>
    /** Leases at most `count` replies that are due. Until the lease ends, no other process gets them. */
    readonly lease: (count: number) => Effect.Effect<ReadonlyArray<LeasedReply>, StorageUnavailable>
    /** Records an attempt. Does nothing if the reply was leased again, or has ended. */
    readonly settle: (reply: LeasedReply, settlement: MailSettlement) => Effect.Effect<void, StorageUnavailable>
  }
>()("hydracore/delivery/mail/Replies") {}
