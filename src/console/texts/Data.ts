/**
 * Texts of what is stored. They are loaded with the settings.
 *
 * @module
 */

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
  confirmBody: "It is deleted permanently, and cannot be restored. The statistics do not change.",
  erased: (submissions: number, conversations: number): string =>
    `Deleted: ${submissions === 1 ? "1 submission" : `${submissions} submissions`} and ${
      conversations === 1 ? "1 conversation" : `${conversations} conversations`
    }, with their deliveries.`
} as const
