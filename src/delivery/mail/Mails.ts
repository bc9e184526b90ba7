/**
 * The mails of websites: makes them, leases them to processes and records whether they were sent. The interface only; see
 * `delivery/mail/postgres/Mails`. `Deliveries.fanOut` assigns submissions to recipients.
 *
 * @module
 */
import { Context, type Effect } from "effect"
import type { StorageUnavailable } from "../../platform/Storage.ts"
import type { LeasedMail } from "./Mail.ts"
import type { Next } from "./MailSchedule.ts"

/** The outcome of an attempt, and what follows. */
export interface MailSettlement {
  readonly next: Next
  /** What went wrong, or null. */
  readonly error: string | null
}

export class Mails extends Context.Service<
  Mails,
  {
    /**
     * Makes mails for the waiting submissions and for the reports that are due at `now`, in milliseconds since 1970, and
     * returns the number of notifications that it checked. For each notification, a submission or report is in one mail only,
     * even with several processes.
     */
    readonly make: (now: number) => Effect.Effect<number, StorageUnavailable>
    /** Leases at most `count` mails that are due. Until the lease ends, no other process gets these mails. */
    readonly lease: (count: number) => Effect.Effect<ReadonlyArray<LeasedMail>, StorageUnavailable>
    /** Records an attempt. Does nothing if the mail was leased again, or has ended. */
    readonly settle: (mail: LeasedMail, settlement: MailSettlement) => Effect.Effect<void, StorageUnavailable>
  }
>()("hydracore/delivery/mail/Mails") {}
