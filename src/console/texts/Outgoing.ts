/**
 * Texts of mails, the rules of forms, and webhooks. They are loaded with the settings.
 *
 * @module
 */
import { language } from "./Frame.ts"

export { eventName, events } from "./Inbox.ts"

export const mails = {
  note: "Submissions and conversations as they arrive, or weekly or monthly reports, by mail.",
  add: "Add a recipient",
  to: "Address",
  what: "What is sent",
  kinds: {
    each: "Each submission",
    "15m": "Submissions, every 15 minutes",
    daily: "Submissions, every morning",
    weekly: "A weekly report",
    monthly: "A monthly report"
  },
  form: "Form",
  formHint: "The data-page of one form’s tag. Empty for all forms.",
  ofForm: (page: string): string => `only the form “${page}”`,
  quarantined: "Suspected spam too, when it arrives",
  conversations: "Conversations of the chat",
  conversationChoices: {
    unanswered: "Those that got no answer",
    all: "All that begin",
    off: "None"
  },
  withConversations: { unanswered: "and unanswered conversations", all: "and conversations" },
  problems: "Also when something breaks, and when it works again",
  withProblems: "and problems",
  withSpam: "with suspected spam",
  none: "no mail yet",
  unconfirmed: "waits until the person opens the link in the confirmation mail, for a week at most",
  otherMail: "the confirmation link is in another mail to this address",
  addHint: "A new address gets one mail with a link, and no other until the person confirms there.",
  latest: {
    pending: (when: string): string => `the latest mail was made ${when}, and is not sent yet`,
    sent: (when: string): string => `latest mail ${when}`,
    failed: (when: string): string => `the latest mail failed ${when}`,
    cancelled: (when: string): string => `the latest mail was cancelled ${when}`
  },
  empty: "No recipients yet. Add your own address, so that you do not miss a submission.",
  cannotSend:
    "This service sends no mail yet. Its operator sets SMTP_URL, MAIL_FROM and PUBLIC_URL: see the guide Mail.",
  resend: "Send again",
  tooSoon: (when: string): string => `It can be sent again ${when}.`,
  resent: "Another mail with a link is on its way.",
  buttonOf: (action: string, to: string, what: string): string => `${action}: ${to}, ${what}`,
  accepted: "The mail server accepted the mail.",
  refused: (error: string | null): string => `The mail server refused the mail: ${error ?? "no reason"}`,
  confirm: (to: string): string => `Send no more mails to ${to}?`,
  confirmBody: "Mails that have not been sent yet are cancelled."
} as const

export const forms = {
  note: "Rules for the fields of a form. A submission that breaks one is refused, and the visitor reads why.",
  add: "New rules",
  edit: (page: string): string => `Rules of “${page}”`,
  page: "Form",
  pageHint: "The data-page of the form’s tag.",
  name: "Field",
  kind: "Kind",
  kinds: {
    text: "Any text",
    email: "An email address",
    number: "A number",
    choice: "One of these",
    pattern: "A pattern"
  },
  choices: "Values, one per line",
  pattern: "Regular expression",
  least: "At least",
  most: "At most",
  shortest: "Min. length",
  longest: "Max. length",
  message: "What the visitor reads",
  required: "Required",
  addField: "Add a field",
  field: (number: number): string => `Field ${number}`,
  repeated: "Another row has the rules of this field.",
  unknown: "The form’s latest submission has no field of this name. Compare it with the name in the form’s HTML.",
  removeField: (name: string): string => (name === "" ? "Remove" : `Remove ${name}`),
  requiredField: (name: string): string => `${name} (required)`,
  json: "Rules, as JSON",
  jsonHint: "A field of this form has rules that a row cannot show. The guide Websites lists the rules.",
  notJson: "This is not JSON. An object with a member for each field is expected.",
  at: (place: string, text: string): string => `${place}: ${text}`,
  empty: "No form has rules: every form accepts any fields. Rules keep out what you cannot use.",
  confirm: (page: string): string => `Delete the rules of “${page}”?`,
  confirmBody: "The form accepts any fields again. Its submissions are kept."
} as const

export const autoReplies = {
  title: "Automatic replies",
  note: "A mail to the visitor when a form arrives. It goes to the address in the form, and only if the submission is not held as spam.",
  add: "New automatic reply",
  edit: (page: string): string => `Automatic reply of “${page}”`,
  subject: "Subject",
  text: "Text",
  textHint: "{name} stands for the visitor’s name.",
  replyTo: "Address for answers",
  replyToHint: "What the visitor answers goes there.",
  answersTo: (address: string): string => `answers go to ${address}`,
  empty: "No form replies to its visitors automatically.",
  confirm: (page: string): string => `Delete the automatic reply of “${page}”?`,
  confirmBody: "Visitors who send the form get no mail any more."
} as const

export const webhooks = {
  note: "What happens on this website, sent to a program or a chat tool as it happens.",
  add: "New webhook",
  url: "Address",
  urlHint:
    "On the public internet. The events are sent there with POST. An address of a private network is set by the operator, with the setting WEBHOOK_ALLOW and the command hydracore webhook create.",
  ofOperator: "The operator’s webhook",
  urlByOperator: "Its address and its secret were set on the server, and are not shown.",
  format: "Format",
  formats: { standard: "Standard Webhooks, signed", slack: "Message for Slack, Mattermost or Discord" },
  events: "Events",
  allEvents: "All events",
  empty: "No webhook yet. Slack gives you an address under “Incoming Webhooks”; your own program can have any address.",
  disabled: (when: string): string => `Disabled ${when}. Deliveries wait until you enable it.`,
  disabledByFailures: (when: string): string =>
    `Disabled ${when}, because its receiver fails. Enable it once its receiver works: what waits is then sent.`,
  failing: (when: string): string => `It began to fail ${when}. Deliveries that wait are retried automatically.`,
  worked: (status: number | null, millis: number): string => `It answered ${status} in ${millis} ms.`,
  answered: (status: number | null): string => `It answered ${status}; only 2xx is success.`,
  actions: { edit: "Edit", rotate: "New secret", enable: "Enable", disable: "Disable", remove: "Delete" },
  confirm: (host: string): string => `Delete the webhook at ${host}?`,
  confirmBody: "Its deliveries are deleted too, including those that are still due.",
  rotate: "Create a new secret?",
  rotateBody: "Both secrets sign for 24 hours. Give the new secret to the receiver within that time.",
  rotateYes: "Create a new secret",
  secret: "The secret of the webhook",
  secretBody: "It signs what is sent, so that the receiver can trust it. Save it now: it is not shown again."
} as const

export const deliveries = {
  title: "Deliveries",
  empty: "No deliveries yet. They are listed here for 30 days.",
  none: "No delivery has this status.",
  show: "Show",
  all: "All",
  more: "Show more",
  statuses: { pending: "Waiting", delivered: "Delivered", failed: "Failed", cancelled: "Cancelled" },
  /** Attempts are counted if there are more than the status says: an event is delivered in one. */
  when: (ago: string, { attempts, status }: { readonly attempts: number; readonly status: string }): string =>
    attempts > (status === "delivered" ? 1 : 0)
      ? `${attempts === 1 ? "1 attempt" : `${attempts} attempts`} · ${ago}`
      : ago,
  notAttempted: "Not attempted yet.",
  answered: (status: number | null, millis: number): string => `answered ${status} in ${millis} ms`,
  payload: "What is sent:",
  deleted: "What was sent is deleted, because its submission or conversation was deleted.",
  submission: "Open the submission",
  retry: "Deliver again"
} as const

/** The API counts no further. */
const maxReplayed = 10_000

const counted = (count: number): string =>
  count === 1 ? "1 delivery" : `${count.toLocaleString(language)}${count >= maxReplayed ? " or more" : ""} deliveries`

export const replay = {
  open: "Replay…",
  title: "Replay deliveries",
  since: "Events of",
  periods: { "1": "The last day", "3": "The last 3 days", "7": "The last 7 days", "30": "The last 30 days" },
  status: "Deliveries",
  counting: "Counting…",
  count: (count: number): string =>
    count === 0 ? "There are no such deliveries." : `${counted(count)} will be sent again.`,
  note: "Each has the same webhook-id as before, so that its receiver can ignore what it already has.",
  submit: (count: number | undefined): string =>
    count === undefined || count === 0 ? "Deliver again" : `Deliver ${count.toLocaleString(language)} again`,
  begun: (count: number): string => `${counted(count)} will be sent again, oldest first.`
} as const
