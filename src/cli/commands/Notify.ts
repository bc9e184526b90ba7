/**
 * `notify add`, `list`, `remove`, `resend` and `test`: the mails about a website.
 *
 * @module
 */
import { Effect } from "effect"
import { Command, Flag } from "effect/cli"
import {
  type ConversationChoice,
  conversationChoices,
  digests,
  type Notification,
  periods
} from "../../delivery/mail/Notification.ts"
import { NotificationId, type WebsiteConfigId } from "../../platform/Id.ts"
import * as TerminalText from "../../platform/text/TerminalText.ts"
import * as Client from "../client/Client.ts"
import * as Websites from "../client/Websites.ts"
import * as Operator from "../operator/Operator.ts"
import * as Inputs from "../support/Inputs.ts"
import * as Output from "../support/Output.ts"
import { pageKind } from "./Form.ts"

const recipient = Inputs.make("to", Inputs.recipientKind, "<address>", "The email address that gets the mails")

const notificationId = Inputs.make(
  "notification-id",
  Inputs.idKind(NotificationId),
  "<uuid>",
  "The notification_id of a notification"
)

const topicFlags = {
  page: Inputs.optional(
    Inputs.make(
      "page",
      pageKind,
      "<slug>",
      "Only the submissions of the form with this page_slug; all forms unless given"
    )
  ),
  digest: Inputs.optional(
    Flag.Literals("digest", digests).pipe(
      Flag.withDescription(
        "Collect the submissions and conversations of fifteen minutes (15m), or until eight in the morning (daily), in one mail"
      )
    )
  ),
  quarantined: Inputs.withoutValue("quarantined", "Include suspected spam without waiting for its release"),
  conversations: Inputs.optional(
    Flag.Literals("conversations", conversationChoices).pipe(
      Flag.withDescription(
        "Also send the conversations whose visitor got no answer (unanswered, the default), all that begin (all), or none (off); always off with --page or --report"
      )
    )
  ),
  problems: Inputs.withoutValue("problems", "Also send a mail when a problem of the website begins, and when it ends"),
  report: Inputs.optional(
    Flag.Literals("report", periods).pipe(
      Flag.withDescription("Send a report of each week or month instead of the submissions")
    )
  )
}

const requireTopic = Effect.fnUntraced(function* ({
  conversations,
  digest,
  page,
  problems,
  quarantined,
  report
}: {
  readonly conversations: ConversationChoice | null
  readonly digest: (typeof digests)[number] | null
  readonly page: string | null
  readonly problems: boolean
  readonly quarantined: boolean
  readonly report: (typeof periods)[number] | null
}) {
  if (report !== null && digest !== null) return yield* Inputs.wrong("digest", "left out when --report is given")
  if (report !== null && page !== null) return yield* Inputs.wrong("page", "left out when --report is given")
  if (report !== null && quarantined) return yield* Inputs.wrong("quarantined", "left out when --report is given")
  if (conversations !== null && conversations !== "off") {
    if (report !== null) return yield* Inputs.wrong("conversations", "left out when --report is given")
    if (page !== null) return yield* Inputs.wrong("conversations", "left out when --page is given")
  }
  return {
    quarantined,
    problems,
    ...(conversations !== null && { conversations }),
    ...(page !== null && { page }),
    ...(digest !== null && { digest }),
    ...(report !== null && { report })
  }
})

const describeTopic = ({ digest, page, quarantined, report }: Notification): string =>
  report !== null
    ? `${report} report`
    : `submissions${page === null ? "" : ` of ${TerminalText.printable(page)}`}${digest === null ? "" : `, digest ${digest}`}${quarantined ? ", with suspected spam" : ""}`

const describeConversations = { off: "", unanswered: ", unanswered conversations", all: ", all conversations" } as const

const describe = (notification: Notification): string =>
  `${describeTopic(notification)}${describeConversations[notification.conversations]}${notification.problems ? ", and problems" : ""}${notification.confirmed ? "" : ", waits for confirmation"}`

const siteFlag = Websites.flagOf("notification")

/** Sends a request about a notification to the owner API. */
const ofNotification = <A, E extends { readonly _tag: string }, R>(
  { notificationId: id, site }: { readonly notificationId: NotificationId; readonly site: string | null },
  request: (
    notifications: Client.Group<"notifications">,
    params: { readonly site_id: WebsiteConfigId; readonly notification_id: NotificationId }
  ) => Effect.Effect<A, E, R>
) =>
  Websites.withRecord("notifications", { kind: "notification", id, site }, (notifications, { site_id }) =>
    request(notifications, { site_id, notification_id: id })
  )

const add = Command.make(
  "add",
  { site: Inputs.site, recipient, ...topicFlags },
  Effect.fnUntraced(function* ({ recipient, site, ...flags }) {
    const payload = { to: recipient, ...(yield* requireTopic(flags)) }
    const { url } = yield* Client.Client
    const site_id = yield* Websites.idOf(site)
    const notification =
      url === null
        ? yield* Client.operator(
            Operator.notifications,
            { notFound: Output.notFound("website", site_id) },
            (notifications) => notifications.add(site_id, payload)
          )
        : yield* Websites.request("notifications", site_id, (notifications, params) =>
            notifications.add({ params, payload })
          )
    const { confirmed, notification_id, to } = notification
    const facts = Output.facts([
      ["notification_id", notification_id],
      ["to", to],
      ["mails", describe(notification)]
    ])
    yield* Output.answer({
      json: notification,
      text: confirmed
        ? `${facts}\n\`hydracore notify test --notification-id ${notification_id}\` sends a test.\n`
        : facts
    })
  })
).pipe(
  Command.withDescription("Send a website's submissions and conversations, or reports, to an address by mail"),
  Command.withExamples([
    {
      command: "hydracore notify add --site 0f8fad5b-d9cb-469f-a165-70867728950e --to owner@example.com",
      description: "Mail each accepted submission, and each conversation that got no answer, to the website's owner"
    }
  ])
)

const list = Command.make(
  "list",
  { site: Inputs.site },
  Effect.fnUntraced(function* ({ site }) {
    const listed = yield* Websites.request("notifications", site, (notifications, params) =>
      notifications.list({ params })
    )
    yield* Output.answer({
      json: listed,
      text: Output.table(
        ["NOTIFICATION_ID", "TO", "MAILS", "LATEST", "STATUS", "ERROR"],
        listed.notifications.map(({ latest_mail: latest, ...notification }) => [
          notification.notification_id,
          notification.to,
          describe(notification),
          Output.time(latest?.created_at ?? null),
          latest?.status ?? "-",
          TerminalText.truncate(TerminalText.printable(latest?.error ?? "-"), 80)
        ]),
        "The website has no notification yet; `hydracore notify add` adds one."
      )
    })
  })
).pipe(Command.withDescription("List the notifications of a website, oldest first, with their latest mail"))

const remove = Command.make(
  "remove",
  { notificationId, site: siteFlag },
  Effect.fnUntraced(function* (flags) {
    const id = flags.notificationId
    yield* ofNotification(flags, (notifications, params) => notifications.remove({ params }))
    yield* Output.answer({
      json: { notification_id: id, removed: true },
      text: `The notification ${id} is removed, with its mails.\n`
    })
  })
).pipe(Command.withDescription("Remove a notification; its pending mails are not sent"))

const resend = Command.make(
  "resend",
  { notificationId, site: siteFlag },
  Effect.fnUntraced(function* (flags) {
    const notification = yield* ofNotification(flags, (notifications, params) => notifications.resend({ params }))
    yield* Output.answer({
      json: notification,
      text: `${TerminalText.printable(notification.to)} gets another confirmation mail from the running service.\n`
    })
  })
).pipe(
  Command.withDescription("Send another confirmation mail to an address that an owner added and that has not confirmed")
)

const test = Command.make(
  "test",
  { notificationId, site: siteFlag },
  Effect.fnUntraced(function* (flags) {
    const { recipient, tested } = yield* ofNotification(
      flags,
      Effect.fnUntraced(function* (notifications, params) {
        const { notifications: listed } = yield* notifications.list({ params: { site_id: params.site_id } })
        const tested = yield* notifications.test({ params })
        const found = listed.find(({ notification_id }) => notification_id === params.notification_id)
        return { recipient: found?.to ?? "the recipient", tested }
      })
    )
    yield* Output.answer({
      json: tested,
      text: tested.accepted ? `The mail server accepted a mail to ${recipient}.\n` : ""
    })
    if (tested.accepted) return
    return yield* new Output.CliFailure({
      message: `The mail server did not accept the mail: ${TerminalText.printable(tested.error ?? "")}. Check SMTP_URL and MAIL_FROM.`
    })
  })
).pipe(Command.withDescription("Send a test mail, or the report of the latest period, and print the outcome"))

export const command = Client.command(
  "notify",
  "Mails: submissions, conversations and reports about a website",
  add,
  list,
  remove,
  resend,
  test
)
