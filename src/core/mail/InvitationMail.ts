/**
 * The content of a mail that invites a person to the console. Pure.
 *
 * @module
 */
import type { Role } from "../sites/Role.ts"
import * as MailText from "./MailText.ts"
import type { Content } from "./Message.ts"

export interface Invitation {
  /** The names of the websites; null for all. */
  readonly websites: ReadonlyArray<string> | null
  readonly role: Role
  /** The link that opens the console once. */
  readonly url: string
  /** When the unused link expires, as text for people. */
  readonly expires: string
}

const rights: Readonly<Record<Role, string>> = {
  owner: "You can read and change everything.",
  viewer: "You can read the statistics, submissions and conversations, and change nothing."
}

export const content = ({ expires, role, url, websites }: Invitation): Content => {
  const names = websites === null ? "all websites" : MailText.line(websites.join(", "), 200)
  return {
    subject: `Invitation to the console of ${names}`,
    website: names,
    title: "You are invited to the console",
    parts: [
      {
        kind: "paragraph",
        text: `The console shows the visitors, submissions and conversations of ${names}. ${rights[role]}`
      },
      { kind: "button", label: "Open the console", href: url },
      {
        kind: "paragraph",
        text: `The link works once, and until ${expires}. Do not forward it: it opens the console for anyone.`
      }
    ],
    reason: "You get this mail once, because this address was invited to the console.",
    replyTo: null
  }
}
