/**
 * The content of the mails that need no confirmed address: an invitation to the console, a link to log in, and the question whether an
 * address wants a website's mails. Pure.
 *
 * @module
 */

import type { Role } from "../../sites/access/Access.ts"
import type { Invitation, LoginLink } from "../../sites/access/MailedLink.ts"
import * as MailText from "./MailText.ts"
import type { Content } from "./Message.ts"

const rights: Readonly<Record<Role, string>> = {
  owner: "You can read and change everything.",
  member: "You can read everything, and answer, release and delete submissions.",
  viewer: "You can read the statistics, submissions and conversations, and change nothing."
}

/**
 * The maximum number of characters of a website's name in a mail. It is low because an owner, who chooses the name and the
 * recipient, could otherwise send spam in the name.
 */
const maxName = 40

/** The maximum number of websites that a mail names. */
const maxNames = 3

/** The names of websites, of which the first `max` are written out. */
const listed = (websites: ReadonlyArray<string>, max: number): string => {
  const names = websites.slice(0, max).map((name) => MailText.websiteName(name, maxName))
  const more = websites.length - names.length
  return `${names.join(", ")}${more > 0 ? ` and ${MailText.number(more)} more` : ""}`
}

export const content = ({ expires, role, title, url, websites }: Invitation): Content => {
  const names = websites === null ? "all websites" : listed(websites, maxNames)
  const named = websites === null ? names : listed(websites, 1)
  // The mail's first line.
  const website = websites === null ? "All websites" : names
  const once = `The link works once, and until ${expires}. Do not forward it: it opens the console for anyone.`
  return title === "invitation"
    ? {
        subject: `Invitation to the console of ${named}`,
        website,
        title: "You are invited to the console",
        parts: [
          {
            kind: "paragraph",
            text: `The console shows the visitors, submissions and conversations of ${names}. ${rights[role]}`
          },
          { kind: "button", label: "Open the console", href: url },
          { kind: "paragraph", text: `${once} With this address you log in from then on.` }
        ],
        reason:
          "You get this mail because an owner entered this address to invite you to the console. If you unsubscribe, an owner cannot mail you again.",
        replyTo: null
      }
    : {
        subject: `Confirm your address for the console of ${named}`,
        website,
        title: "Is this your address?",
        parts: [
          {
            kind: "paragraph",
            text: `Somebody who uses the console of ${names} entered this address to log in with it. If that was not you, do nothing.`
          },
          { kind: "button", label: "Confirm this address", href: url },
          { kind: "paragraph", text: once }
        ],
        reason: "You get this mail because this address was entered in the console.",
        replyTo: null
      }
}

/** @param host the host of the console, which the person expects */
export const loginContent = ({ expires, url }: LoginLink, host: string): Content => ({
  subject: `Log in to ${host}`,
  website: host,
  title: "Your link to log in",
  parts: [
    { kind: "paragraph", text: "Open the link in the browser in which you want to use the console." },
    { kind: "button", label: "Log in", href: url },
    {
      kind: "paragraph",
      text: `The link works once, and until ${expires}. Do not forward it. If you did not request it, do nothing: without this link, nobody can log in with your address.`
    }
  ],
  reason: "You get this mail because this address was entered on the console's page.",
  replyTo: null
})

/** @param confirmUrl the page that confirms the address */
export const confirmationContent = (website: MailText.Website, confirmUrl: string): Content => {
  const name = MailText.websiteName(website.name, maxName)
  return {
    subject: `Confirm that you want mails about ${name}`,
    website: name,
    title: "Do you want these mails?",
    parts: [
      {
        kind: "paragraph",
        text: `An owner of the website ${name} entered this address to send you the website's submissions, or reports of its visitors, by mail.`
      },
      { kind: "button", label: "Confirm this address", href: confirmUrl },
      {
        kind: "paragraph",
        text: "If you do not want these mails, do nothing. If you unsubscribe, an owner cannot ask you again."
      }
    ],
    reason: "You get this mail because an owner of the website entered this address.",
    replyTo: null
  }
}
