/**
 * The messages that a website offers to visitors before their first message. Pure.
 *
 * @module
 */
import * as Limits from "./Limits.ts"

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
