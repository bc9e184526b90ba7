/**
 * The chat's texts in English, each of which a website can replace, and the messages that it suggests. Pure.
 *
 * @module
 */

import type { Failure } from "./Failures.ts"
import * as Limits from "./Limits.ts"
import { fill, launcherTexts, replaceTexts } from "./Texts.ts"

/** Placeholders: `{heading}`, `{seconds}`, `{email}`, and `{sentence}`, which is the edge's error message in English. */
export const english = {
  ...launcherTexts,
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
  thinking: "Thinking…",
  searching: "Searching…",
  working: "Working…",
  sources: "Sources",
  good: "Good answer",
  bad: "Bad answer",
  rated: "Thank you for your feedback.",
  copy: "Copy",
  copied: "Copied",
  scroll: "Scroll sideways to see the whole table.",
  stopped: "You stopped this answer.",
  empty: "There was no answer.",
  cleared: "New conversation started.",
  retry: "Try again",
  retryIn: "Try again in {seconds} s",
  contact: "Leave your address, we answer",
  contactEmail: "Your email address",
  contactCancel: "Cancel",
  contacted: "Thank you. We will answer to {email}.",
  contactRefused: "Please check your address.",
  unauthorized: "This chat is not available. Please tell the owner of this website.",
  forbidden: "This chat is not available. Please tell the owner of this website.",
  missing: "This chat is not available. Please tell the owner of this website.",
  refused: "Your message was not accepted. Please shorten it.",
  full: "This conversation is full. Please start a new one.",
  limited: "Too many messages. Please wait a moment.",
  unreachable: "The assistant is not available. Please try again later.",
  unavailable: "The assistant is not available. Please try again later.",
  late: "The assistant did not answer in time. Please try again.",
  offline: "You are offline. Your message will be sent when you are back online.",
  network: "Your message may not have arrived. Please check your connection and try again.",
  cut: "The answer was interrupted. Please try again.",
  broken: "{sentence}",
  unexpected: "Something went wrong. Please try again."
}

export type Strings = { readonly [K in keyof typeof english]: string }

/** Returns the English texts with a website's replacements. `json` is the value of the attribute `strings`. */
export const withReplacements = (json: string | null, heading?: string | null): Strings =>
  replaceTexts(english, json, heading)

/** Returns the sentence that explains a failure. */
export const sentenceOf = (failure: Failure, strings: Strings): string =>
  // Another version of this script may have stored a kind that this version does not have.
  fill(Object.hasOwn(strings, failure.kind) ? strings[failure.kind] : strings.unexpected, {
    sentence: failure.sentence || strings.cut
  })

/** Parses the `suggestions` attribute, a JSON list of texts. Returns undefined if the attribute is invalid; empty if absent. */
export const parseSuggestions = (json: string | null): ReadonlyArray<string> | undefined => {
  if (json === null) return []
  try {
    const texts = JSON.parse(json) as unknown
    if (!Array.isArray(texts) || !texts.every((text) => typeof text === "string")) return undefined
    return (texts as ReadonlyArray<string>)
      .map((text) => text.trim())
      .filter(Boolean)
      .slice(0, Limits.maxSuggestions)
  } catch {
    return undefined
  }
}
