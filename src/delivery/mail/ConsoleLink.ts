/**
 * The link from a mail to the page of the console that shows what the mail is about. Pure.
 *
 * The page is named in the fragment of the URL, which browsers send to no server.
 *
 * @module
 */
import type { LeasedMail } from "./Mail.ts"
import type { Content, Part } from "./Message.ts"

const linkOf = (consoleUrl: string, { site, subject }: Pick<LeasedMail, "site" | "subject">): Part | null => {
  const link = (label: string, path: string): Part => ({
    kind: "link",
    label,
    href: `${consoleUrl}/#/${site.websiteConfigId}/${path}`
  })
  switch (subject.kind) {
    case "submissions": {
      const [first] = subject.submissions
      return subject.count === 1 && first !== undefined
        ? link("Open it in the console", `inbox/${first.submissionId}`)
        : link("Open the inbox", "inbox")
    }
    case "report":
      return link("Open these days in the console", `overview?range=${subject.range.first}_${subject.range.last}`)
    case "webhook-disabled":
      return link("Open the webhooks in the console", "setup/webhooks")
    case "problems":
      return link("Open the problems in the console", "setup/problems")
    // The recipient may be a stranger.
    case "confirmation":
      return null
  }
}

/**
 * Adds the link to the content, before the facts at its end.
 *
 * @param consoleUrl the console's URL without a trailing slash; null if mails cannot link to the console
 */
export const add = (
  consoleUrl: string | null,
  content: Content,
  mail: Pick<LeasedMail, "site" | "subject">
): Content => {
  if (consoleUrl === null) return content
  const link = linkOf(consoleUrl, mail)
  if (link === null) return content
  const { parts } = content
  const end = parts.at(-1)?.kind === "facts" ? parts.length - 1 : parts.length
  return { ...content, parts: [...parts.slice(0, end), link, ...parts.slice(end)] }
}
