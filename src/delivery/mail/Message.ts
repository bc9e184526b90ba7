/**
 * A mail: its envelope and its content, from which both its text and its HTML are made. Types only.
 *
 * @module
 */
import type { Mailbox } from "../../platform/text/MailAddress.ts"

/** A name and a value, which may be any texts. */
export type Field = readonly [name: string, value: string]

/** A number and its change from the previous period. */
export interface Figure {
  readonly name: string
  readonly value: string
  /** Such as `+12%`; null if it cannot be calculated. */
  readonly change: string | null
  readonly direction: "up" | "down" | "same"
}

/** A part of the content. Its texts are plain: no part of them is HTML. */
export type Part =
  | { readonly kind: "paragraph"; readonly text: string }
  | { readonly kind: "notice"; readonly text: string }
  /** What to type on the command line. */
  | { readonly kind: "command"; readonly text: string }
  | { readonly kind: "fields"; readonly fields: ReadonlyArray<Field> }
  /** Short values of minor interest. */
  | { readonly kind: "facts"; readonly fields: ReadonlyArray<Field> }
  /** One of several submissions. */
  | { readonly kind: "record"; readonly title: string; readonly note: string; readonly fields: ReadonlyArray<Field> }
  | { readonly kind: "figures"; readonly figures: ReadonlyArray<Figure> }
  | {
      readonly kind: "table"
      readonly header: ReadonlyArray<string>
      /** Each with as many cells as the header. The first cell is a name, and the other cells are numbers or dashes. */
      readonly rows: ReadonlyArray<ReadonlyArray<string>>
    }
  | { readonly kind: "button"; readonly label: string; readonly href: string }
  /** Less prominent than a button. */
  | { readonly kind: "link"; readonly label: string; readonly href: string }

export interface Content {
  readonly subject: string
  /** The name of the website, above the title. */
  readonly website: string
  readonly title: string
  readonly parts: ReadonlyArray<Part>
  /** Why the recipient gets this mail. */
  readonly reason: string
  /** The address to which a reply is sent; null for the sender's. */
  readonly replyTo: string | null
  /** The name of the person or the website that wrote the mail; absent for a mail of the service. */
  readonly sender?: string
  /** Why no person wrote the mail; `null` for one that a person wrote. By default, the service wrote it. */
  readonly autoSubmitted?: Message["autoSubmitted"]
}

/** A mail to send. */
export interface Message {
  /** The same in every attempt. */
  readonly mailId: string
  readonly from: Mailbox
  readonly to: string
  readonly replyTo: string | null
  readonly subject: string
  readonly text: string
  readonly html: string
  /** When the mail was created, in milliseconds since 1970. */
  readonly createdAt: number
  /** The unsubscribe link: GET shows a page, POST unsubscribes at once (RFC 8058). Null for a mail that does not repeat. */
  readonly unsubscribeUrl: string | null
  /** How the mail came about without a person, so that mail programs answer it with no notice of absence; null for a person's. */
  readonly autoSubmitted: "auto-generated" | "auto-replied" | null
}
