/**
 * Pictures of every kind of mail, as a mail program shows its HTML.
 *
 * @module
 */
import { Clock, Effect, Option, Stream } from "effect"
import { htmlBody } from "../../src/delivery/mail/Compose.ts"
import * as InvitationMail from "../../src/delivery/mail/InvitationMail.ts"
import * as MailContent from "../../src/delivery/mail/MailContent.ts"
import * as ReportPeriod from "../../src/delivery/mail/MailTimes.ts"
import type { Content } from "../../src/delivery/mail/Message.ts"
import * as ProblemMail from "../../src/delivery/mail/ProblemMail.ts"
import type { MailedConversation } from "../../src/delivery/mail/SubmissionMail.ts"
import * as SubmissionMail from "../../src/delivery/mail/SubmissionMail.ts"
import { Inbox } from "../../src/forms/Inbox.ts"
import { InstanceId, MessageId, type WebsiteConfigId } from "../../src/platform/Id.ts"
import { SiteDirectory } from "../../src/sites/SiteDirectory.ts"
import { phone } from "./ConsoleView.ts"
import type { Take } from "./Take.ts"

const sizes = [
  ["desktop", { viewport: { width: 800, height: 1000 } }],
  ["phone", phone],
  ["phone-dark", { ...phone, colorScheme: "dark" }]
] as const

export const takeAll = Effect.fnUntraced(function* ({ picture }: Take, websiteConfigId: WebsiteConfigId) {
  const site = Option.getOrThrow(yield* SiteDirectory.use((sites) => sites.byWebsiteConfigId(websiteConfigId)))
  const submissions = yield* Inbox.use((inbox) =>
    Stream.runCollect(inbox.stream(websiteConfigId, { status: "accepted" }))
  )
  const now = yield* Clock.currentTimeMillis
  const range = ReportPeriod.latest("weekly", { now, timeZone: site.timeZone })
  const conversation: MailedConversation = {
    instanceId: InstanceId.make(crypto.randomUUID()),
    messageId: MessageId.make(crypto.randomUUID()),
    assistant: "Assistant",
    question:
      "Hello! We are four people, two of them children. Can we rent kayaks on Sunday, and do you have life jackets?",
    startedAt: now - 600_000,
    page: "/tours",
    isUnanswered: true
  }
  const conversations = { shown: [conversation, { ...conversation, isUnanswered: false }], count: 2 }
  const mails: Readonly<Record<string, Content>> = {
    submission: SubmissionMail.content(site, submissions.slice(-2, -1), 1),
    conversation: SubmissionMail.content(site, [], 0, { shown: [conversation], count: 1 }),
    digest: SubmissionMail.content(site, submissions.slice(-8), 31, conversations),
    report: yield* MailContent.report(site, "weekly", range),
    invitation: InvitationMail.content({
      websites: [site.name],
      title: "invitation",
      role: "viewer",
      url: "https://edge.example/console/#/link/hcl_example",
      expires: "Friday, November 27, 2026 at 7:03 PM"
    }),
    webhook: ProblemMail.webhookContent(site, {
      webhookId: crypto.randomUUID(),
      host: "hooks.fjordlight.example",
      isGone: false
    }),
    test: SubmissionMail.testContent(site),
    confirmation: InvitationMail.confirmationContent(site, "https://edge.example/v1/public/mail/confirm/example")
  }
  for (const [name, content] of Object.entries(mails)) {
    // An invitation has no link to unsubscribe, since it is sent once.
    const html = htmlBody(content, name === "invitation" ? null : "https://edge.example/v1/public/unsubscribe/example")
    for (const [size, options] of sizes) {
      yield* Effect.promise(() => picture(`mail-${name}-${size}`, options, (page) => page.setContent(html)))
    }
  }
})
