/**
 * A hidden field that only bots fill in. Its style is set by script: a strict Content-Security-Policy forbids `style`
 * attributes.
 *
 * @module
 */

import { formMember } from "./Controls.ts"
import { honeypot } from "./FormContent.ts"

/** Attributes that keep browsers and password managers (1Password, Bitwarden, LastPass, Dashlane) from filling the field in. */
const noAutofill = {
  autocomplete: "off",
  "data-1p-ignore": "",
  "data-bwignore": "",
  "data-lpignore": "true",
  "data-form-type": "other"
}

/**
 * Adds the field to a form. If the website's own markup has it, as the guide shows, sets its style, because a style sheet can
 * override the attribute `hidden`.
 */
export const add = (form: HTMLFormElement): void => {
  const existing = formMember(form, "querySelector")<HTMLElement>(`[name="${honeypot}"]`)
  if (existing) {
    existing.style.setProperty("display", "none", "important")
    return
  }
  const input = document.createElement("input")
  input.type = "text"
  input.name = honeypot
  input.tabIndex = -1
  for (const [name, value] of Object.entries(noAutofill)) input.setAttribute(name, value)
  const box = document.createElement("div")
  box.setAttribute("aria-hidden", "true")
  // The field is clipped, because bots recognize `display: none`.
  box.style.cssText = "position:absolute;width:1px;height:1px;margin:-1px;overflow:hidden;clip-path:inset(50%)"
  box.append(input)
  formMember(form, "append")(box)
}
