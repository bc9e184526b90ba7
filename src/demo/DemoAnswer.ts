/**
 * What the demo agent says. Pure: no model, no network; it uses the visitor's own words.
 *
 * @module
 */

/** The most of a message that is repeated, in characters. */
const maxEcho = 200

const opening = (message: string): string => {
  if (/^\s*(hi|hello|hey|good (morning|afternoon|evening))\b/i.test(message)) return "Hello, and welcome!"
  if (/\bthank(s| you)\b/i.test(message)) return "You are welcome."
  if (/\b(bye|goodbye|see you)\b/i.test(message)) return "Goodbye, and come back soon."
  if (/\?\s*$/.test(message)) return "Good question."
  return "I see."
}

/** The message on one line, cut to `maxEcho` characters, never within one. */
const echo = (message: string): string => {
  const characters = Array.from(message.toWellFormed().replace(/\s+/g, " ").trim())
  return characters.length > maxEcho ? `${characters.slice(0, maxEcho).join("")}…` : characters.join("")
}

/** The answer to the `turn`th message (1 for the first) of a conversation. */
export const answer = (message: string, turn: number): string => {
  const words = echo(message)
  const heard = words === "" ? "You sent an empty message." : `You wrote: “${words}”`
  const where =
    turn === 1
      ? "This is the first message of our conversation."
      : `This is message ${turn} of our conversation, so I still know that we are talking.`
  return (
    `${opening(message)} ${heard}\n\n${where} ` +
    "I am the demo agent: I have no model behind me, but I speak the same protocol as the runtimes that do, " +
    "so what you see is the real path, token by token. " +
    "Create an instance with the address of an OpenAI-compatible runtime, and it will answer here instead of me."
  )
}

/** An answer in the pieces in which it is streamed: a word each, with the space before it. Joined, they are the answer. */
export const tokens = (text: string): ReadonlyArray<string> => text.match(/\s*\S+|\s+/g) ?? []
