/**
 * The links from a mail to the pages of the console that show what the mail is about. Pure.
 *
 * A page is named in the fragment of the URL, which browsers send to no server.
 *
 * @module
 */
import type { LeasedMail } from "./Mail.ts"
import type { Content, Part } from "./Message.ts"

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
              ? `conversations/${conversation.conversationId}?instance=${conversation.instanceId}`
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
export const add = (
  consoleUrl: string | null,
  content: Content,
  mail: Pick<LeasedMail, "site" | "subject">
): Content => {
  if (consoleUrl === null) return content
  const { parts } = content
  const end = parts.at(-1)?.kind === "facts" ? parts.length - 1 : parts.length
  return { ...content, parts: [...parts.slice(0, end), ...linksOf(consoleUrl, mail), ...parts.slice(end)] }
}
