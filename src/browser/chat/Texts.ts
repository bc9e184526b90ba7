/**
 * Texts that a website can replace. Pure.
 *
 * @module
 */

/** The English texts of the button. */
export const launcherTexts = {
  /** Used without a `heading` attribute. */
  heading: "Chat",
  open: "Open chat: {heading}",
  unloaded: "The chat did not load. Try again."
}

/** Replaces the placeholders `{name}` for which there is a value. */
export const fill = (text: string, values: Readonly<Record<string, string | number>>): string =>
  text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole))

/**
 * Returns the English texts, replaced by those of `json`. Invalid JSON and values that are not strings are ignored.
 * `heading` takes precedence over a heading in `json`.
 */
export const replaceTexts = <A extends Readonly<Record<string, string>>>(
  english: A,
  json: string | null,
  heading?: string | null
): { readonly [K in keyof A]: string } => {
  const texts: Record<string, string> = { ...english }
  try {
    const given = JSON.parse(json ?? "{}")
    for (const name in english) if (typeof given[name] === "string") texts[name] = given[name]
  } catch {
    // Invalid JSON: the texts stay English.
  }
  if (heading) texts["heading"] = heading
  return texts as { readonly [K in keyof A]: string }
}
