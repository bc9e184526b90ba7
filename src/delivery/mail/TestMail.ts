/**
 * The content of the mail that tests a notification about submissions. Pure.
 *
 * @module
 */
import * as MailText from "./MailText.ts"
import type { Content } from "./Message.ts"
import { reasonOf, type Website } from "./SubmissionMail.ts"

export const content = (website: Website): Content => {
  const name = MailText.websiteName(website.name, 200)
  return {
    subject: `Test of the notifications – ${name}`,
    website: name,
    title: "The notifications work",
    parts: [
      {
        kind: "paragraph",
        text: "This is a test. The submissions of the website will arrive like this mail. If a mail is about one submission, a reply goes to the visitor who sent it."
      }
    ],
    reason: reasonOf(website),
    replyTo: null
  }
}
