/**
 * Reads the content of a mail, and adds the links to the pages of the console that show what it is about. The numbers of a report are
 * read when its mail is sent: the period has ended, so they no longer change.
 *
 * @module
 */
import { Effect } from "effect"
import { Reports } from "../../analytics/reports/Reports.ts"
import type { AllowedHost } from "../../platform/outward/AddressGuard.ts"
import * as Webhook from "../Webhook.ts"
import * as InvitationMail from "./InvitationMail.ts"
import type { LeasedMail, MailSite } from "./Mail.ts"
import * as MailTimes from "./MailTimes.ts"
import type { Content, Part } from "./Message.ts"
import type { Period } from "./Notification.ts"
import * as ProblemMail from "./ProblemMail.ts"
import * as ReportMail from "./ReportMail.ts"
import * as SubmissionMail from "./SubmissionMail.ts"

/** The report of a period. */
export const report = Effect.fnUntraced(function* (site: MailSite, period: Period, range: MailTimes.Range) {
  const reports = yield* Reports
  const answersIn = (days: MailTimes.Range) => {
    const { leads, pages, sources, totals } = ReportMail.queries(site, days)
    // One after another: a mail must not take all connections for reports.
    return Effect.all({
      totals: reports.query(site, totals),
      leads: reports.query(site, leads),
      sources: reports.query(site, sources),
      pages: reports.query(site, pages)
    })
  }
  const current = yield* answersIn(range)
  const previous = yield* answersIn(MailTimes.before(period, range))
  return ReportMail.content(site, period, range, current, previous)
})

/**
 * The content of a leased mail; null if nothing is left to send.
 *
 * @param confirmUrl the page that confirms the recipient's address
 * @param operatorsHosts receivers of webhooks that the recipient must not know
 */
export const of = Effect.fnUntraced(function* (
  { notification, site, subject }: LeasedMail,
  confirmUrl: string,
  operatorsHosts: ReadonlyArray<AllowedHost>
) {
  switch (subject.kind) {
    case "submissions":
      return subject.count + subject.conversations.count === 0
        ? null
        : SubmissionMail.content(site, subject.submissions, subject.count, subject.conversations)
    case "report":
      return yield* report(site, notification.report ?? "weekly", subject.range)
    case "webhook-disabled": {
      const { host, ...webhook } = subject.webhook
      const isHidden = Webhook.isOperatorsHost(operatorsHosts, host)
      return ProblemMail.webhookContent(site, { ...webhook, host: isHidden ? null : host })
    }
    case "problems":
      return ProblemMail.content(site, subject.problems)
    case "confirmation":
      return notification.confirmed ? null : InvitationMail.confirmationContent(site, confirmUrl)
  }
})

/** A page is named in the fragment of the URL, which browsers send to no server. */
const linksOf = (consoleUrl: string, { site, subject }: Pick<LeasedMail, "site" | "subject">): ReadonlyArray<Part> => {
  const link = (label: string, path: string): Part => ({
    kind: "link",
    label,
    href: `${consoleUrl}/#/${site.websiteConfigId}/${path}`
  })
  switch (subject.kind) {
    case "submissions": {
      const { conversations, count, submissions } = subject
      const [submission] = submissions
      const [conversation] = conversations.shown
      if (count + conversations.count === 1) {
        const path =
          submission !== undefined
            ? `inbox/${submission.submissionId}`
            : conversation !== undefined
              ? `conversations/${conversation.messageId}?instance=${conversation.instanceId}`
              : "inbox"
        return [link("Open it in the console", path)]
      }
      return [
        ...(conversations.count > 0 ? [link("Open the conversations", "conversations")] : []),
        ...(count > 0 ? [link("Open the inbox", "inbox")] : [])
      ]
    }
    case "report":
      return [link("Open these days in the console", `overview?range=${subject.range.first}_${subject.range.last}`)]
    case "webhook-disabled":
      return [link("Open the webhooks in the console", "setup/webhooks")]
    case "problems":
      return [link("Open the problems in the console", "setup/problems")]
    // The recipient may be a stranger.
    case "confirmation":
      return []
  }
}

/**
 * Adds the links to the content, before the facts at its end.
 *
 * @param consoleUrl the console's URL without a trailing slash; null if mails cannot link to the console
 */
export const withConsoleLinks = (
  consoleUrl: string | null,
  content: Content,
  mail: Pick<LeasedMail, "site" | "subject">
): Content => {
  if (consoleUrl === null) return content
  const { parts } = content
  const end = parts.at(-1)?.kind === "facts" ? parts.length - 1 : parts.length
  return { ...content, parts: [...parts.slice(0, end), ...linksOf(consoleUrl, mail), ...parts.slice(end)] }
}
