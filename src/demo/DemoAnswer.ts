/**
 * The answers of the demo agent, which repeat the visitor's message. Pure.
 *
 * @module
 */

/** The most characters of a message that an answer repeats. */
const maxEcho = 200

const opening = (message: string): string => {
  if (/^\s*(hi|hello|hey|good (morning|afternoon|evening))\b/i.test(message)) return "Hello, and welcome!"
  if (/\bthank(s| you)\b/i.test(message)) return "You are welcome."
  if (/\b(bye|goodbye|see you)\b/i.test(message)) return "Goodbye, and come back soon."
  if (/\?\s*$/.test(message)) return "Good question."
  return "I see."
}

/** The message on one line, truncated to `maxEcho` code points. */
const echo = (message: string): string => {
  const characters = Array.from(message.toWellFormed().replace(/\s+/g, " ").trim())
  return characters.length > maxEcho ? `${characters.slice(0, maxEcho).join("")}…` : characters.join("")
}

/** The answer to the `turn`th message (1 for the first) of a conversation. */
export const answer = (message: string, turn: number): string => {
  const words = echo(message)
  const quote = words === "" ? "You sent an empty message." : `You wrote: “${words}”`
  const where =
    turn === 1
      ? "This is the first message of our conversation."
      : `This is message ${turn} of our conversation, so I still know that we are talking.`
  return (
    `${opening(message)} ${quote}\n\n${where} ` +
    "I am the demo agent. I have no model, but I speak the same protocol as agents that do, " +
    "so this answer takes the real path, token by token. " +
    "Create an instance with the address of your own agent, and it answers here instead of me."
  )
}

/** Splits an answer into words, each with the space before it. Joined, they are the answer. */
export const tokens = (text: string): ReadonlyArray<string> => text.match(/\s*\S+|\s+/g) ?? []
