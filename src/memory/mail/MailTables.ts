/**
 * The notifications and the mails of this process.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { Context, Layer } from "effect"
import type { OutboxEvent } from "../../core/delivery/FanOut.ts"
import type { DisabledWebhook, LatestMail, Subject } from "../../core/mail/Mail.ts"
import { normalize } from "../../core/mail/MailRecipient.ts"
import { isMailed, type Notification } from "../../core/mail/Notification.ts"

export interface StoredNotification extends Notification {
  /** When the waiting submissions, or the next report, become a mail; null if nothing waits. */
  readonly dueAt: number | null
  /** The last day of the latest report. */
  readonly reportedUntil: string | null
}

/** A submission that a recipient gets by mail. */
export interface MailItem {
  readonly notificationId: string
  readonly submissionId: string
  readonly createdAt: number
  /** The mail with the submission; null while the submission waits. */
  readonly mailId: string | null
}

export interface StoredMail extends LatestMail {
  readonly mailId: string
  readonly notificationId: string
  /** For a mail about submissions, the table of items has the submissions. */
  readonly about: Exclude<Subject, { readonly kind: "submissions" }> | { readonly kind: "submissions" }
  /** Null once the mail is sent, has failed or is cancelled. */
  readonly nextAttemptAt: number | null
}

/** What is known about an address that gets, or got, the mails of a website. */
export interface StoredRecipient {
  readonly websiteConfigId: string
  readonly address: string
  /** When its confirmation mails were made. */
  readonly confirmationsAt: ReadonlyArray<number>
  /** When it was invited to the console before it had confirmed. */
  readonly invitedAt: ReadonlyArray<number>
  /** When its mails about submissions were made. */
  readonly mailedAt: ReadonlyArray<number>
  readonly isUnsubscribed: boolean
}

export class MailTables extends Context.Service<
  MailTables,
  {
    /** By id, oldest first. */
    readonly notifications: Map<string, StoredNotification>
    /** By id, oldest first. */
    readonly mails: Map<string, StoredMail>
    /** By `itemKey`, oldest first. */
    readonly items: Map<string, MailItem>
    /** In any order. */
    readonly recipients: () => ReadonlyArray<StoredRecipient>
    /** What is known about an address. */
    readonly recipient: (websiteConfigId: string, address: string) => StoredRecipient
    /** Changes what is known about an address. */
    readonly updateRecipient: (
      { recipient, websiteConfigId }: Pick<Notification, "recipient" | "websiteConfigId">,
      change: Partial<Pick<StoredRecipient, "confirmationsAt" | "invitedAt" | "mailedAt" | "isUnsubscribed">>
    ) => void
    /** Deletes what is known about an address, for one website, or for all websites if `websiteConfigId` is null. */
    readonly eraseRecipient: (address: string, websiteConfigId: string | null) => void
    /** Whether the website has a notification. */
    readonly hasNotification: (websiteConfigId: string) => boolean
    /** Adds an item for each recipient who gets one of these events by mail. */
    readonly accept: (events: ReadonlyArray<OutboxEvent>) => void
    /** Makes a mail that is due at once, and returns its id. Beyond the capacity, the oldest mail is dropped. */
    readonly add: (notificationId: string, about: StoredMail["about"], now: number) => string
    /** Cancels the pending confirmation mails of these notifications. */
    readonly cancelConfirmations: (notificationIds: ReadonlyArray<string>) => void
    /** Makes one mail about a disabled webhook for each recipient of its website. */
    readonly addWebhookDisabled: (websiteConfigId: string, webhook: DisabledWebhook, now: number) => void
    /** Removes a notification with its mails. */
    readonly remove: (notificationId: string) => void
    /** Deletes everything of a website. */
    readonly erase: (websiteConfigId: string) => void
  }
>()("hydracore/memory/MailTables") {}

/** The maximum number of mails, and of items. */
const capacity = 100_000

const dropOldest = <A>(table: Map<string, A>) => {
  const [oldest = ""] = table.keys()
  if (table.size > capacity) table.delete(oldest)
}

export const itemKey = ({ notificationId, submissionId }: Pick<MailItem, "notificationId" | "submissionId">): string =>
  `${notificationId} ${submissionId}`

const make = (): MailTables["Service"] => {
  const notifications = new Map<string, StoredNotification>()
  const mails = new Map<string, StoredMail>()
  const items = new Map<string, MailItem>()
  const recipients = new Map<string, StoredRecipient>()
  const recipientKey = (websiteConfigId: string, address: string) => `${websiteConfigId} ${normalize(address)}`
  const recipient: MailTables["Service"]["recipient"] = (websiteConfigId, address) =>
    recipients.get(recipientKey(websiteConfigId, address)) ?? {
      websiteConfigId,
      address: normalize(address),
      confirmationsAt: [],
      invitedAt: [],
      mailedAt: [],
      isUnsubscribed: false
    }

  const ofSite = (websiteConfigId: string) =>
    [...notifications.values()].filter((one) => one.websiteConfigId === websiteConfigId)

  const add = (notificationId: string, about: StoredMail["about"], now: number): string => {
    const mailId = randomUUID()
    const state = { status: "pending", attempts: 0, nextAttemptAt: 0, error: null } as const
    mails.set(mailId, { mailId, notificationId, about, createdAt: now, ...state })
    dropOldest(mails)
    return mailId
  }

  const remove = (notificationId: string) => {
    notifications.delete(notificationId)
    for (const [mailId, mail] of mails) if (mail.notificationId === notificationId) mails.delete(mailId)
    for (const [key, item] of items) if (item.notificationId === notificationId) items.delete(key)
  }

  return {
    notifications,
    mails,
    items,
    recipients: () => [...recipients.values()],
    recipient,
    updateRecipient: ({ recipient: address, websiteConfigId }, change) =>
      recipients.set(recipientKey(websiteConfigId, address), { ...recipient(websiteConfigId, address), ...change }),
    eraseRecipient: (address, websiteConfigId) => {
      for (const [key, known] of recipients) {
        const isOfSite = websiteConfigId === null || known.websiteConfigId === websiteConfigId
        if (isOfSite && known.address === normalize(address)) recipients.delete(key)
      }
    },
    hasNotification: (websiteConfigId) => ofSite(websiteConfigId).length > 0,
    accept: (events) => {
      for (const { createdAt, subject, type, websiteConfigId } of events) {
        for (const notification of ofSite(websiteConfigId)) {
          if (subject === null || !notification.isConfirmed || !isMailed(notification.topic, type)) continue
          const { notificationId } = notification
          const item: MailItem = { notificationId, submissionId: subject, createdAt, mailId: null }
          if (items.has(itemKey(item))) continue
          items.set(itemKey(item), item)
          dropOldest(items)
          notifications.set(notificationId, { ...notification, dueAt: 0 })
        }
      }
    },
    add,
    cancelConfirmations: (notificationIds) => {
      for (const mail of mails.values()) {
        const isWaiting = mail.about.kind === "confirmation" && mail.status === "pending"
        if (!isWaiting || !notificationIds.includes(mail.notificationId)) continue
        mails.set(mail.mailId, { ...mail, status: "cancelled", nextAttemptAt: null })
      }
    },
    addWebhookDisabled: (websiteConfigId, webhook, now) => {
      const confirmed = ofSite(websiteConfigId).filter(({ isConfirmed }) => isConfirmed)
      const byRecipient = Map.groupBy(confirmed, ({ recipient }) => recipient)
      for (const [first] of byRecipient.values()) {
        if (first !== undefined) add(first.notificationId, { kind: "webhook-disabled", webhook }, now)
      }
    },
    remove,
    erase: (websiteConfigId) => {
      for (const { notificationId } of ofSite(websiteConfigId)) remove(notificationId)
      for (const [key, known] of recipients) if (known.websiteConfigId === websiteConfigId) recipients.delete(key)
    }
  }
}

export const layer: Layer.Layer<MailTables> = Layer.sync(MailTables, make)
