/**
 * The content of a mail with the link that a person requested to log in. Pure.
 *
 * @module
 */
import type { LoginLink } from "../../sites/access/MailedLink.ts"
import type { Content } from "./Message.ts"

/** @param host the host of the console, which the person expects */
export const content = ({ expires, url }: LoginLink, host: string): Content => ({
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
