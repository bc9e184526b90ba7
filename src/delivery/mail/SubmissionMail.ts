/**
 * The content of a mail about what visitors sent: one submission or conversation in full, or several in a digest. Pure.
 *
 * @module
 */
import * as Sources from "../../analytics/reports/Sources.ts"
import * as FormSender from "../../forms/FormSender.ts"
import { type Submission, valueTexts, withAllValues } from "../../forms/Submission.ts"
import type { InstanceId, MessageId } from "../../platform/Id.ts"
import * as Json from "../../platform/text/Json.ts"
import * as MailAddress from "../../platform/text/MailAddress.ts"
import * as MailText from "./MailText.ts"
import type { Content, Field, Part } from "./Message.ts"

/**
 * A conversation in a mail. It has no conversation id, with which a widget reads and continues the conversation: a mail can be
 * forwarded.
 */
export interface MailedConversation {
  readonly instanceId: InstanceId
  /** The id of the visitor's first message, by which the console finds the conversation. */
  readonly messageId: MessageId
  /** The name of its instance. */
  readonly assistant: string
  /** The visitor's first message. */
  readonly question: string
  /** Milliseconds since 1970. */
  readonly startedAt: number
  /** The path of the page on which it began; null until its visit is found. */
  readonly page: string | null
  /** Whether the visitor's latest question got no answer. */
  readonly isUnanswered: boolean
}

/** The conversations of a mail. */
export interface MailedConversations {
  /** The first ones, oldest first. */
  readonly shown: ReadonlyArray<MailedConversation>
  /** The number of all. */
  readonly count: number
}

export const noConversations: MailedConversations = { shown: [], count: 0 }

/** The maximum length of a question, alone and among others, in UTF-16 units. */
const questionLimits = { one: 8_000, several: 300 }

/** A mail about one conversation. */
const singleConversation = (website: MailText.Website, conversation: MailedConversation): Content => {
  const { assistant, isUnanswered, page, question, startedAt } = conversation
  return MailText.contentOf(website, isUnanswered ? "A visitor got no answer" : "A visitor began a conversation", [
    { kind: "fields", fields: [["Question", MailText.block(question, questionLimits.one)]] },
    ...(isUnanswered
      ? [
          {
            kind: "paragraph",
            text: "If the visitor left an address, it arrives as a submission, and you can reply to it."
          } as const
        ]
      : []),
    {
      kind: "facts",
      fields: [
        ["Began", MailText.moment(startedAt, website.timeZone)],
        ...(page === null ? [] : [["Page", MailText.line(page, 200)] as const]),
        ["Assistant", MailText.websiteName(assistant, 200)]
      ]
    }
  ])
}

/** One of several conversations in a mail. */
const conversationRecord = (
  { timeZone }: MailText.Website,
  { assistant, isUnanswered, page, question, startedAt }: MailedConversation
): Part => ({
  kind: "record",
  title: isUnanswered ? "A visitor got no answer" : "Conversation",
  note: `${MailText.moment(startedAt, timeZone)}${page === null ? "" : ` · ${MailText.line(page, 100)}`}`,
  fields: [
    ["Question", MailText.block(question, questionLimits.several)],
    ["Assistant", MailText.websiteName(assistant, 100)]
  ]
})

/** `2 conversations`, or `2 unanswered conversations` if all of them are. */
const countedConversations = ({ count, shown }: MailedConversations): string => {
  const areUnanswered = count === shown.length && shown.every(({ isUnanswered }) => isUnanswered)
  return MailText.counted(count, areUnanswered ? "unanswered conversation" : "conversation")
}

/** The maximum number of submissions, and of conversations, that a mail shows. Mail clients truncate larger mails. */
export const maxShown = 25

/** The limits of a submission in a mail. */
interface Limits {
  /** The maximum number of fields. */
  readonly fields: number
  /** The maximum length of one value, in UTF-16 units. */
  readonly value: number
}

const limits = { one: { fields: 50, value: 10_000 }, several: { fields: 8, value: 300 } } satisfies Record<
  string,
  Limits
>

/** UTF-16 units of all values of one submission together. Gmail truncates mails of more than 100 kB. */
const maxTotalLength = 20_000

/** A field of a form. */
interface FormField {
  readonly name: string
  /** The list of all values if the field is repeated. */
  readonly value: unknown
  /** The JSON text of the value as it was sent. */
  readonly json: string
}

const textOf = ({ json, value }: FormField): string => {
  if (typeof value === "string") return value
  if (Array.isArray(value) && value.every((item) => typeof item === "string")) return value.join(", ")
  return typeof value === "number" || Json.manyDigits.test(json) ? json : JSON.stringify(value)
}

/** A field's name as people write it: `first_name` is "First name". */
const titleOf = (name: string): string => {
  const words = MailText.line(name.replace(/[_-]+/g, " ").replace(/([a-z])([A-Z])/g, "$1 $2"), 100)
  return words === "" ? "(no name)" : `${words.slice(0, 1).toUpperCase()}${words.slice(1)}`
}

const isEmpty = (value: unknown): boolean =>
  value === null || value === "" || (Array.isArray(value) && value.length === 0)

/** The fields of a form in order. A form may have thousands of nested values, so each form is parsed once per mail. */
type Form = ReadonlyArray<FormField>

const formOf = ({ formData }: Submission): Form => {
  const values = withAllValues(formData, JSON.parse(formData))
  return Array.from(valueTexts(formData), ([name, texts]) => ({
    name,
    value: values[name],
    json: texts.length === 1 ? texts.join() : `[${texts.join()}]`
  }))
}

/** The email, then the fields of the form that are not empty, and the number of those that are left out. */
const fieldsOf = (
  { email }: Submission,
  form: Form,
  { fields: maxFields, value: maxLength }: Limits
): ReadonlyArray<Field> => {
  const given = form.filter(({ name, value }) => !isEmpty(value) && !(name === "email" && value === email))
  const all = email === null ? given : [{ name: "email", value: email, json: "" }, ...given]
  let left = maxTotalLength
  const fields = all.slice(0, maxFields).map((field): Field => {
    const text = MailText.block(textOf(field), Math.max(1, Math.min(maxLength, left)))
    left -= text.length
    return [titleOf(field.name), text]
  })
  const more = all.length - fields.length
  return more > 0 ? [...fields, ["More", `${MailText.counted(more, "field")} in the export`]] : fields
}

const originOf = ({ attribution }: Submission): string | null => {
  const { campaign, medium, source } = attribution
  const named = [source === null ? null : Sources.nameOf(source), medium, campaign].filter((one) => one !== null)
  return named.length === 0 ? null : MailText.line(named.join(" / "), 200)
}

/** Who sent a submission, as far as it is known. */
const senderOf = (submission: Submission, form: Form): string => {
  const texts = form.flatMap(({ name, value }) => {
    const [first] = [value].flat()
    return typeof first === "string" ? [[name, first] as const] : []
  })
  const name = MailText.line(FormSender.nameIn(texts) ?? "", 60)
  const sender = name || MailText.line(submission.email ?? "", 80)
  return sender === "" ? "a visitor" : sender
}

const quarantineNotice = ({ reasons }: Submission): Part => ({
  kind: "notice",
  text: `This submission is in the quarantine as suspected spam (${reasons.join(", ") || "no reason"}). Do not follow its links unless you know the sender.`
})

const releaseInstructions = ({ submissionId }: Submission): ReadonlyArray<Part> => [
  { kind: "paragraph", text: "If it is not spam, release it:" },
  { kind: "command", text: `hydracore submissions release --submission-id ${submissionId}` }
]

const single = (website: MailText.Website, submission: Submission): Content => {
  const replyTo = submission.email !== null && MailAddress.isAddress(submission.email) ? submission.email : null
  const form = formOf(submission)
  const sender = senderOf(submission, form)
  const origin = originOf(submission)
  const isQuarantined = submission.status === "quarantined"
  const title = `${isQuarantined ? "Suspected spam" : "New submission"} from ${sender}`
  const facts: ReadonlyArray<Field> = [
    ["Received", MailText.moment(submission.receivedAt, website.timeZone)],
    ...(submission.pageSlug === null ? [] : [["Page", MailText.line(submission.pageSlug, 200)] as const]),
    ...(origin === null ? [] : [["Came from", origin] as const]),
    ["Reference", submission.submissionId]
  ]
  return MailText.contentOf(
    website,
    title,
    [
      ...(isQuarantined ? [quarantineNotice(submission)] : []),
      { kind: "fields", fields: fieldsOf(submission, form, limits.one) },
      ...(isQuarantined ? releaseInstructions(submission) : []),
      ...(replyTo === null || isQuarantined
        ? []
        : [
            {
              kind: "button",
              label: `Reply to ${sender}`,
              href: `mailto:${encodeURIComponent(replyTo).replace("%40", "@")}`
            } as const
          ]),
      { kind: "facts", fields: facts }
    ],
    { replyTo }
  )
}

/** One of several submissions in a mail. */
const recordOf = (website: MailText.Website, submission: Submission): Part => {
  const page = submission.pageSlug === null ? "" : ` · ${MailText.line(submission.pageSlug, 100)}`
  const isQuarantined = submission.status === "quarantined"
  const form = formOf(submission)
  const sender = senderOf(submission, form)
  return {
    kind: "record",
    title: `${sender}${isQuarantined ? " – suspected spam" : ""}`,
    note: `${MailText.moment(submission.receivedAt, website.timeZone)}${page}`,
    fields: fieldsOf(submission, form, limits.several).filter(
      ([title, value]) => !(value === sender && (title === "Email" || FormSender.isName(title)))
    )
  }
}

const several = (
  website: MailText.Website,
  submissions: ReadonlyArray<Submission>,
  count: number,
  conversations: MailedConversations
): Content => {
  const title = [
    ...(count === 0 ? [] : [MailText.counted(count, "new submission")]),
    ...(conversations.count === 0 ? [] : [countedConversations(conversations)])
  ].join(" and ")
  const shown = submissions.slice(0, maxShown)
  const shownConversations = conversations.shown.slice(0, maxShown)
  const hiddenConversations = conversations.count - shownConversations.length
  return MailText.contentOf(website, title, [
    ...shownConversations.map((conversation) => conversationRecord(website, conversation)),
    ...(hiddenConversations > 0
      ? [
          {
            kind: "notice",
            text: `This mail leaves out ${MailText.counted(hiddenConversations, "conversation")}, which the console lists.`
          } as const
        ]
      : []),
    ...shown.map((submission) => recordOf(website, submission)),
    ...(count > shown.length
      ? [
          {
            kind: "notice",
            text: `This mail leaves out ${MailText.counted(count - shown.length, "submission")}. To see all that are accepted, export them:`
          } as const,
          { kind: "command", text: `hydracore submissions export --site ${website.websiteConfigId}` } as const
        ]
      : [])
  ])
}

/**
 * The content of a mail about submissions and conversations, at least one of them.
 *
 * @param submissions oldest first; the first `maxShown` suffice
 * @param count the number of all submissions of the mail
 */
export const content = (
  website: MailText.Website,
  submissions: ReadonlyArray<Submission>,
  count: number,
  conversations: MailedConversations = noConversations
): Content => {
  const [first] = submissions
  const [conversation] = conversations.shown
  if (first !== undefined && count === 1 && conversations.count === 0) return single(website, first)
  if (conversation !== undefined && conversations.count === 1 && count === 0) {
    return singleConversation(website, conversation)
  }
  return several(website, submissions, count, conversations)
}

/** The content of the mail that tests a notification about submissions. */
export const testContent = (website: MailText.Website): Content =>
  MailText.contentOf(
    website,
    "The notifications work",
    [
      {
        kind: "paragraph",
        text: "This is a test. The submissions of the website will arrive like this mail. If a mail is about one submission, a reply goes to the visitor who sent it."
      }
    ],
    { subject: MailText.subject("Test of the notifications", website.name) }
  )
