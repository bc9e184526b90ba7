/**
 * The content of the mail that asks an address whether it wants a website's mails. Pure.
 *
 * @module
 */
import * as MailText from "./MailText.ts"
import type { Content } from "./Message.ts"

/**
 * The maximum length of the website's name, in characters. It is low because an owner chooses both the name and the recipient,
 * and could send a stranger other texts as the name.
 */
const maxName = 40

/** @param confirmUrl the page that confirms the address */
export const content = (website: MailText.Website, confirmUrl: string): Content => {
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
