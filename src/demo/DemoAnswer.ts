/**
 * The answers of the demo agent. It has no model: it repeats the visitor's messages, and knows the list of the website's tours.
 * Pure.
 *
 * @module
 */
import { hydracore } from "../platform/text/CommandName.ts"

/** The maximum number of characters of a message that an answer repeats. */
const maxEcho = 200

/** An answer and its source. */
export interface DemoAnswer {
  /** Markdown. */
  readonly text: string
  /** The page of the demo's website that the answer cites; null for none. */
  readonly source: { readonly path: string; readonly title: string } | null
}

const tours = `| Tour | Hours | Price |
|:--|--:|--:|
| First strokes | 3 | € 75 |
| Across the arm | 8 | € 140 |
| Under the midnight sun | 48 | € 390 |`

const opening = (message: string): string => {
  if (/^\s*(hi|hello|hey|good (morning|afternoon|evening))\b/i.test(message)) return "Hello, and welcome!"
  if (/\bthank(s| you)\b/i.test(message)) return "You are welcome."
  if (/\b(bye|goodbye|see you)\b/i.test(message)) return "Goodbye, and come back soon."
  if (/\?\s*$/.test(message)) return "Good question."
  return "I see."
}

const isAboutTours = (message: string): boolean =>
  /\b(tours?|trips?|prices?|costs?|pay|book|days?|hours?|long|child|children|kids?|beginners?|offer)\b/i.test(message)

/** The message on one line, truncated to `maxEcho` code points. */
const echo = (message: string): string => {
  const characters = Array.from(message.toWellFormed().replace(/\s+/g, " ").trim())
  return characters.length > maxEcho ? `${characters.slice(0, maxEcho).join("")}…` : characters.join("")
}

const quote = (message: string): string => {
  const words = echo(message)
  return words === "" ? "You sent an empty message." : `You wrote: “${words}”`
}

const about = `I am the **demo agent**. I have no model, but I use the same protocol as agents that do, so this answer takes the real path, token by token. Create an instance with the URL of your own agent, and put its chat on your website:

\`\`\`sh
${hydracore} instance create \\
  --name Support --agent-url http://localhost:9000
\`\`\``

/** The answer to the last of a visitor's messages. `messages` begins with the oldest. */
export const answer = (messages: ReadonlyArray<string>): DemoAnswer => {
  const message = messages.at(-1) ?? ""
  const before = messages.at(-2)
  const asksAboutTours = isAboutTours(message)
  const memory =
    before === undefined
      ? []
      : [`This is message ${messages.length} of our conversation, and I remember the one before: “${echo(before)}”`]
  const paragraphs = [
    `${opening(message)} ${quote(message)}`,
    ...memory,
    ...(asksAboutTours ? ["These are our tours, every day from April to October:", tours] : []),
    ...(before === undefined ? [about] : [])
  ]
  return {
    text: paragraphs.join("\n\n"),
    source: asksAboutTours ? { path: "/demo/site/tours", title: "Tours · Fjordlight Kayaks" } : null
  }
}

/** Splits an answer into words, each with the space before it. Joined, they are the answer. */
export const tokens = (text: string): ReadonlyArray<string> => text.match(/\s*\S+|\s+/g) ?? []
