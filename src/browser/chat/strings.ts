/**
 * Every text of the chat, in English, and how a website replaces it.
 *
 * @module
 */
import type { Failure } from "./failures.ts"

/** `{heading}` and `{seconds}` stand for what their names say, `{sentence}` for what the edge said, in English. */
export const english = {
  /** Where no heading is given. */
  heading: "Chat",
  open: "Open chat: {heading}",
  unread: "Open chat: {heading}. New answer.",
  close: "Close chat",
  newConversation: "New conversation",
  log: "Conversation",
  greeting: "Hello! How can I help you?",
  message: "Your message",
  placeholder: "Write a message…",
  send: "Send message",
  stop: "Stop answer",
  latest: "Go to latest message",
  you: "You wrote:",
  agent: "{heading} answered:",
  answering: "The answer is being written.",
  stopped: "You stopped this answer.",
  empty: "There was no answer.",
  cleared: "New conversation started.",
  retry: "Try again",
  retryIn: "Try again in {seconds} s",
  unauthorized: "This chat is not available. Please tell the owner of this website.",
  forbidden: "This chat is not available. Please tell the owner of this website.",
  missing: "This chat is not available. Please tell the owner of this website.",
  refused: "Your message was not accepted. Please shorten it.",
  limited: "Too many messages. Please wait a moment.",
  unreachable: "The assistant is not available. Please try again later.",
  unavailable: "The assistant is not available. Please try again later.",
  late: "The assistant did not answer in time. Please try again.",
  offline: "You are offline. Please try again later.",
  network: "Your message was not sent. Please check your connection and try again.",
  cut: "The answer was interrupted. Please try again.",
  broken: "{sentence}",
  unexpected: "Something went wrong. Please try again."
}

export type Strings = { readonly [K in keyof typeof english]: string }

/** Puts values into a text. */
export const fill = (text: string, values: Readonly<Record<string, string | number>>): string =>
  text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole))

/**
 * The texts with those replaced that `json` names; whatever is no text, and JSON that cannot be read, replaces nothing. A
 * `heading` of its own goes before.
 */
export const replaced = (json: string | null, heading?: string | null): Strings => {
  const strings: Record<string, string> = { ...english }
  try {
    const given = JSON.parse(json ?? "{}")
    for (const name in english) if (typeof given[name] === "string") strings[name] = given[name]
  } catch {
    // English it is.
  }
  if (heading) strings["heading"] = heading
  return strings as Strings
}

/** The sentence for a failure. */
export const sentenceOf = (failure: Failure, strings: Strings): string =>
  // A kind that was kept by another version may be unknown to this one.
  fill(Object.hasOwn(strings, failure.kind) ? strings[failure.kind] : strings.unexpected, {
    sentence: failure.sentence || strings.cut
  })
