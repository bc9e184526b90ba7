/**
 * The automatic replies of websites, by form. The interface only; see `delivery/mail/postgres/AutoReplies`. The fan-out of events
 * makes the mails from them.
 *
 * @module
 */
import { Context, type Effect, type Option } from "effect"
import type { WebsiteConfigId } from "../../platform/Id.ts"
import type { LimitReached, StorageUnavailable } from "../../platform/Storage.ts"
import type { AutoReply, NewAutoReply } from "./AutoReply.ts"

export class AutoReplies extends Context.Service<
  AutoReplies,
  {
    /** Sets or replaces the automatic reply of a form; none if there is no such website. */
    readonly put: (
      websiteConfigId: WebsiteConfigId,
      reply: NewAutoReply
    ) => Effect.Effect<Option.Option<AutoReply>, StorageUnavailable | LimitReached>
    /** The automatic replies of a website, ordered by page. */
    readonly list: (websiteConfigId: WebsiteConfigId) => Effect.Effect<ReadonlyArray<AutoReply>, StorageUnavailable>
    /** Deletes the automatic reply of a form; false if it has none. */
    readonly delete: (websiteConfigId: WebsiteConfigId, page: string) => Effect.Effect<boolean, StorageUnavailable>
  }
>()("hydracore/delivery/mail/AutoReplies") {}
