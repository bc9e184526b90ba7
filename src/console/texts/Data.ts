/**
 * Texts of what is stored. They are loaded with the settings.
 *
 * @module
 */
import type { Counts } from "../setup/PersonRecords.ts"

export const retention = {
  title: "How long data is kept",
  note: "The operator of this service decides, with the settings RETENTION_PAGE_VIEWS, RETENTION_SUBMISSIONS and RETENTION_CONVERSATIONS.",
  page_views: "Page views and events",
  submissions: "Submissions",
  conversations: "Conversations, after their last message",
  forever: "Until they are deleted"
} as const

export const analytics = {
  title: "Page views and events",
  note: "Everything that was counted, one row each. Submissions are exported in the inbox, and conversations on their page.",
  from: "First day (optional)",
  to: "Last day (optional)",
  order: "The last day is before the first one.",
  csv: "Export CSV",
  ndjson: "Export NDJSON"
} as const

const units = {
  submissions: ["submission", "submissions"],
  replies: ["mailed reply", "mailed replies"],
  conversations: ["conversation", "conversations"],
  notifications: ["recipient of mails", "recipients of mails"],
  spam_marks: ["mark of spam", "marks of spam"],
  accounts: ["account", "accounts"],
  deliveries: ["delivery", "deliveries"]
} as const

/** How many records there are of each kind, without those of which there are none. */
const contents = (counts: Counts): string =>
  new Intl.ListFormat("en").format(
    (Object.keys(units) as ReadonlyArray<keyof typeof units>).flatMap((kind) => {
      const count = counts[kind] ?? 0
      return count === 0 ? [] : [`${count} ${units[kind][count === 1 ? 0 : 1]}`]
    })
  )

export const person = {
  title: "A person’s data",
  note: "For a person who wants to know what this website stores about them, or wants it deleted: submissions, conversations, mails and deliveries that contain the address.",
  address: "Email address",
  export: "Export",
  erase: "Delete",
  none: "Nothing is stored about this address.",
  saved: (records: number): string =>
    records === 1 ? "1 record is in the file." : `${records} records are in the file.`,
  confirm: (address: string): string => `Delete everything that is stored about ${address}?`,
  confirmBody: (counts: Counts): string =>
    `${contents(counts)}. This is deleted permanently, and cannot be restored. The statistics do not change.`,
  erased: (counts: Counts): string => `Deleted: ${contents(counts)}.`
} as const
