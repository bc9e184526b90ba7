/**
 * The chat's texts in English. A website can replace each of them.
 *
 * @module
 */
import type { Failure } from "./Failures.ts"

/** Placeholders: `{heading}`, `{seconds}`, and `{sentence}`, which is the edge's error message in English. */
export const english = {
  /** Used without a `heading` attribute. */
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

/** Replaces placeholders. */
export const fill = (text: string, values: Readonly<Record<string, string | number>>): string =>
  text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole))

/**
 * Returns the English texts, replaced by those of `json`. Invalid JSON and values that are not strings are ignored.
 * `heading` takes precedence over a heading in `json`.
 */
export const withReplacements = (json: string | null, heading?: string | null): Strings => {
  const strings: Record<string, string> = { ...english }
  try {
    const given = JSON.parse(json ?? "{}")
    for (const name in english) if (typeof given[name] === "string") strings[name] = given[name]
  } catch {
    // Invalid JSON: the texts stay English.
  }
  if (heading) strings["heading"] = heading
  return strings as Strings
}

/** Returns the sentence that explains a failure. */
export const sentenceOf = (failure: Failure, strings: Strings): string =>
  // Another version of this script may have stored a kind that this version does not know.
  fill(Object.hasOwn(strings, failure.kind) ? strings[failure.kind] : strings.unexpected, {
    sentence: failure.sentence || strings.cut
  })
