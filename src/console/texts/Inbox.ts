/**
 * Texts of the inbox.
 *
 * @module
 */
export const inbox = {
  folders: { accepted: "Accepted", quarantined: "Quarantine", deleted: "Deleted" },
  folder: "Folder",
  unreadOnly: "Unread",
  search: "Search",
  form: "Form",
  allForms: "All forms",
  export: "Export",
  exports: { csv: "CSV, a column for each field", ndjson: "NDJSON, nothing left out" },
  select: (name: string): string => `Select ${name}`,
  selected: (count: number): string => `${count} selected`,
  unselect: "Cancel",
  changed: {
    isSpam: (count: number): string => (count === 1 ? "Marked as spam" : `${count} marked as spam`),
    isDeleted: (count: number): string => (count === 1 ? "Deleted" : `${count} deleted`)
  },
  undo: "Undo",
  unread: "Unread",
  anonymous: "No email address",
  answered: "Answered",
  answeredBy: (name: string | null, time: string): string => `Answered ${name === null ? "" : `by ${name}, `}${time}`,
  more: "Show earlier ones",
  list: "Submissions",
  open: "Choose a submission to read it.",
  actions: {
    read: "Mark as read",
    unread: "Mark as unread",
    release: "Not spam",
    spam: "Mark as spam",
    delete: "Delete",
    restore: "Restore",
    purge: "Delete permanently",
    reply: "Reply"
  },
  replies: {
    title: "Replies",
    automatic: "Automatic reply",
    to: (address: string): string => `Your reply to ${address}`,
    address: "Your email address",
    addressHint: "What the visitor answers goes there.",
    answersTo: (address: string): string => `What the visitor answers goes to ${address}.`,
    send: "Send reply"
  },
  back: "Back to the list",
  confirm: (count: number): string => (count === 1 ? "Delete this submission?" : `Delete ${count} submissions?`),
  confirmBody: (count: number): string =>
    `${count === 1 ? "It" : "They"} can be restored for 30 days. The statistics do not change.`,
  confirmPurge: (count: number): string =>
    count === 1 ? "Delete this submission permanently?" : `Delete ${count} submissions permanently?`,
  purgeBody: (count: number): string =>
    `${count === 1 ? "It" : "They"} cannot be restored. Everything that was sent is deleted.`,
  deletedUntil: (time: string): string => `Deleted. It can be restored until ${time}.`,
  yes: "Yes",
  no: "No",
  nothing: "–",
  cancel: "Cancel",
  failed: "That did not work. Please try again.",
  gone: "This submission no longer exists. It may have been deleted, or its retention has ended.",
  visit: "Where it came from",
  noVisit:
    "Its visit is not known, for example because the page has no tag for page views, or the visitor blocks the tag.",
  attribution: {
    source: "Source",
    medium: "Medium",
    campaign: "Campaign",
    referrer: "Referrer",
    entry_page: "Entry page"
  },
  conversation: "Written in the chat.",
  openConversation: "Read the conversation",
  deliveries: "Deliveries",
  operatorsWebhook: "The operator’s webhook",
  deliveryStatuses: {
    waiting: "Waits for the next mail",
    pending: "On its way",
    delivered: "Delivered",
    sent: "Sent",
    failed: "Failed",
    cancelled: "Cancelled"
  },
  suspicious: (canRelease: boolean): string =>
    `It is held because it may be spam.${canRelease ? " If it is not, press “Not spam”." : ""} What is typical of spam:`,
  // Also shown for a submission that was released: it is not stored whether one was ever held.
  signs: "Check it before you reply, because this is typical of spam:",
  reasons: {
    honeypot: "a hidden field, which people do not see, was filled in",
    links: "it has many links",
    "link-markup": "it has links in HTML or BBCode",
    repeated: "the same text was sent before",
    fast: "it was sent within two seconds after the form was shown",
    "disposable-email": "its email address is a disposable one",
    marked: "you marked its sender or its text as spam"
  } as Readonly<Record<string, string>>,
  held: {
    open: "Marked as spam…",
    title: "Marked as spam",
    note: "Submissions with one of these addresses or texts are quarantined, for a year after you marked one.",
    empty: "Nothing is marked as spam.",
    anyAddress: "Any address",
    take: "Take back"
  },
  empty: {
    accepted: "No submissions yet",
    acceptedBody:
      "What visitors send with a form arrives here. Paste a form into a page, or add three attributes to one of yours.",
    install: "Show the form",
    quarantined: "Nothing is quarantined",
    quarantinedBody:
      "Submissions that look like spam, or that you mark as spam, wait here until you release or delete them.",
    deleted: "Nothing is deleted",
    deletedBody: "Deleted submissions can be restored here for 30 days.",
    unread: "Everything is read",
    noMatch: "No submission matches",
    clear: "Show all"
  }
} as const

/** What a webhook gets. */
export const events = {
  "submission.accepted": "Submission accepted",
  "submission.quarantined": "Submission quarantined",
  "submission.released": "Submission released",
  "submission.deleted": "Submission deleted",
  "submission.restored": "Submission restored",
  "conversation.started": "Conversation started",
  "conversation.unanswered": "Answer failed",
  "conversation.feedback": "Answer rated",
  "site.limit": "Rate limit reached"
} as const

const names: Readonly<Record<string, string>> = events

export const eventName = (type: string): string => names[type] ?? type
