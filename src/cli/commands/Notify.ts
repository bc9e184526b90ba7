/**
 * `notify add`, `list`, `remove`, `resend` and `test`: the mails about a website.
 *
 * @module
 */
import { Effect, type Layer, Option } from "effect"
import { Command, Flag } from "effect/cli"
import * as ConfirmationRefusal from "../../delivery/mail/ConfirmationRefusal.ts"
import { digests, type Notification, periods, type Topic } from "../../delivery/mail/Notification.ts"
import { type ListedNotification, Notifications } from "../../delivery/mail/Notifications.ts"
import { TestDeliveries } from "../../delivery/TestDeliveries.ts"
import { NotificationId } from "../../platform/Id.ts"
import * as Calendar from "../../platform/text/Calendar.ts"
import * as TerminalText from "../../platform/text/TerminalText.ts"
import { SiteDirectory } from "../../sites/SiteDirectory.ts"
import * as Inputs from "../support/Inputs.ts"
import * as Output from "../support/Output.ts"

const recipient = Inputs.make("to", Inputs.recipientKind, "<address>", "The email address that gets the mails")

const notificationId = Inputs.make(
  "notification-id",
  Inputs.idKind(NotificationId),
  "<uuid>",
  "The notification_id of a notification"
)

const topicFlags = {
  digest: Inputs.optional(
    Flag.Literals("digest", digests).pipe(
      Flag.withDescription(
        "Collect the submissions of fifteen minutes (15m), or until eight in the morning (daily), in one mail"
      )
    )
  ),
  quarantined: Inputs.withoutValue("quarantined", "Include suspected spam without waiting for its release"),
  report: Inputs.optional(
    Flag.Literals("report", periods).pipe(
      Flag.withDescription("Send a report of each week or month instead of the submissions")
    )
  )
}

const topicOf = Effect.fnUntraced(function* ({
  digest,
  quarantined,
  report
}: {
  readonly digest: (typeof digests)[number] | null
  readonly quarantined: boolean
  readonly report: (typeof periods)[number] | null
}): Effect.fn.Return<Topic, ReturnType<typeof Inputs.wrong>> {
  if (report === null) return { kind: "submissions", digest, includeQuarantined: quarantined }
  if (digest !== null) return yield* Inputs.wrong("digest", "left out when --report is given")
  if (quarantined) return yield* Inputs.wrong("quarantined", "left out when --report is given")
  return { kind: "report", period: report }
})

const noMail = new Output.CliFailure({
  message: "No mail can be sent; set SMTP_URL, MAIL_FROM and PUBLIC_URL, here and where the service runs."
})

const requireMail = TestDeliveries.use(({ canSendMail }) => (canSendMail ? Effect.void : noMail))

const describeTopic = (topic: Topic): string =>
  topic.kind === "report"
    ? `${topic.period} report`
    : `submissions${topic.digest === null ? "" : `, digest ${topic.digest}`}${topic.includeQuarantined ? ", with suspected spam" : ""}`

const describe = ({ isConfirmed, topic }: Notification): string =>
  `${describeTopic(topic)}${isConfirmed ? "" : ", waits for confirmation"}`

const topicJson = ({ topic }: Notification) =>
  topic.kind === "report"
    ? { report: topic.period, digest: null, quarantined: false }
    : { report: null, digest: topic.digest, quarantined: topic.includeQuarantined }

const json = ({ latest, notification }: ListedNotification) => ({
  notification_id: notification.notificationId,
  website_config_id: notification.websiteConfigId,
  to: notification.recipient,
  ...topicJson(notification),
  confirmed: notification.isConfirmed,
  created_at: Calendar.iso(notification.createdAt),
  latest_mail:
    latest === null
      ? null
      : {
          created_at: Calendar.iso(latest.createdAt),
          status: latest.status,
          attempts: latest.attempts,
          error: latest.error
        }
})

const add = Command.make(
  "add",
  { websiteConfigId: Inputs.siteId, recipient, ...topicFlags },
  Effect.fnUntraced(function* ({ recipient, websiteConfigId, ...flags }) {
    const topic = yield* topicOf(flags)
    yield* requireMail
    const added = yield* Notifications.use((notifications) => notifications.add({ websiteConfigId, recipient, topic }))
    if (Option.isNone(added)) return yield* Output.notFound("website", websiteConfigId)
    const notification = added.value
    yield* Output.answer({
      json: { notification_id: notification.notificationId, to: recipient, ...topicJson(notification) },
      text: `${Output.facts([
        ["notification_id", notification.notificationId],
        ["to", recipient],
        ["mails", describe(notification)]
      ])}\n\`hydracore notify test --notification-id ${notification.notificationId}\` sends a test.\n`
    })
  })
).pipe(
  Command.withDescription("Send a website's submissions, or reports, to an address by mail"),
  Command.withExamples([
    {
      command: "hydracore notify add --site 0f8fad5b-d9cb-469f-a165-70867728950e --to owner@example.com",
      description: "Mail each accepted submission to the website's owner"
    }
  ])
)

const list = Command.make(
  "list",
  { websiteConfigId: Inputs.siteId },
  Effect.fnUntraced(function* ({ websiteConfigId }) {
    const directory = yield* SiteDirectory
    if (Option.isNone(yield* directory.byWebsiteConfigId(websiteConfigId))) {
      return yield* Output.notFound("website", websiteConfigId)
    }
    const listed = yield* Notifications.use((notifications) => notifications.list(websiteConfigId))
    yield* Output.answer({
      json: listed.map(json),
      text: Output.table(
        ["NOTIFICATION_ID", "TO", "MAILS", "LATEST", "STATUS", "ERROR"],
        listed.map(({ latest, notification }) => [
          notification.notificationId,
          notification.recipient,
          describe(notification),
          Output.moment(latest?.createdAt ?? null),
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
  { notificationId },
  Effect.fnUntraced(function* ({ notificationId: id }) {
    if (!(yield* Notifications.use((notifications) => notifications.remove(id))))
      return yield* Output.notFound("notification", id)
    yield* Output.answer({
      json: { notification_id: id, removed: true },
      text: `The notification ${id} is removed, with its mails.\n`
    })
  })
).pipe(Command.withDescription("Remove a notification; its pending mails are not sent"))

const resend = Command.make(
  "resend",
  { notificationId },
  Effect.fnUntraced(function* ({ notificationId: id }) {
    yield* requireMail
    const resent = yield* Notifications.use((notifications) => notifications.resendConfirmation(id))
    switch (resent._tag) {
      case "NoNotification":
        return yield* Output.notFound("notification", id)
      case "NoKey":
        return yield* noMail
      case "Resent":
        return yield* Output.answer({
          json: { notification_id: id, to: resent.notification.recipient, resent: true },
          text: `${TerminalText.printable(resent.notification.recipient)} gets another confirmation mail from the running service.\n`
        })
      default:
        return yield* new Output.CliFailure({ message: ConfirmationRefusal.message(resent) })
    }
  })
).pipe(
  Command.withDescription("Send another confirmation mail to an address that an owner added and that has not confirmed")
)

const unconfirmed = new Output.CliFailure({
  message:
    "This address is not confirmed, so it gets no test. Ask the person to open the link in the confirmation mail; `hydracore notify resend` sends it again."
})

const test = Command.make(
  "test",
  { notificationId },
  Effect.fnUntraced(function* ({ notificationId: id }) {
    const found = yield* Notifications.use((notifications) => notifications.find(id))
    if (Option.exists(found, ({ isConfirmed }) => !isConfirmed)) return yield* unconfirmed
    const tested = yield* TestDeliveries.use((tests) => tests.notification(id)).pipe(
      Effect.catchTag("MailNotSetUp", () => noMail)
    )
    if (Option.isNone(tested)) return yield* Output.notFound("notification", id)
    const { outcome, recipient } = tested.value
    if (outcome._tag !== "Accepted") {
      return yield* new Output.CliFailure({
        message: `The mail server did not accept the mail: ${TerminalText.printable(outcome.error)}. Check SMTP_URL and MAIL_FROM.`
      })
    }
    yield* Output.answer({
      json: { notification_id: id, to: recipient, accepted: true },
      text: `The mail server accepted a mail to ${recipient}.\n`
    })
  })
).pipe(Command.withDescription("Send a test mail, or the report of the latest period, and print the outcome"))

/** The command. `storage` is built only when a subcommand runs. */
export const command = <E, R>(storage: Layer.Layer<SiteDirectory | Notifications | TestDeliveries, E, R>) =>
  Command.make("notify").pipe(
    Command.withDescription("Mails: submissions and reports about a website"),
    Command.withSubcommands([
      add.pipe(Command.provide(storage)),
      list.pipe(Command.provide(storage)),
      remove.pipe(Command.provide(storage)),
      resend.pipe(Command.provide(storage)),
      test.pipe(Command.provide(storage))
    ])
  )
