/**
 * A field that no person sees, and that a program fills in that fills in everything. Its looks are set on the element,
 * which a strict Content-Security-Policy allows where it forbids a `style` attribute.
 *
 * @module
 */
import { honeypot } from "./FormContent.ts"
import { own } from "./FormMember.ts"

/** What tells password managers (1Password, Bitwarden, LastPass, Dashlane) and the browser to leave a field alone. */
const leaveAlone = {
  autocomplete: "off",
  "data-1p-ignore": "",
  "data-bwignore": "",
  "data-lpignore": "true",
  "data-form-type": "other"
}

/** Puts the field into a form that has none, and hides the one that is there: a style sheet may show what is `hidden`. */
export const add = (form: HTMLFormElement): void => {
  const there = own(form, "querySelector")<HTMLElement>(`[name="${honeypot}"]`)
  if (there) {
    there.style.setProperty("display", "none", "important")
    return
  }
  const input = document.createElement("input")
  input.type = "text"
  input.name = honeypot
  input.tabIndex = -1
  for (const [name, value] of Object.entries(leaveAlone)) input.setAttribute(name, value)
  const box = document.createElement("div")
  box.setAttribute("aria-hidden", "true")
  // There, so that a program takes it for a field, and cut away.
  Object.assign(box.style, {
    position: "absolute",
    width: "1px",
    height: "1px",
    margin: "-1px",
    overflow: "hidden",
    clipPath: "inset(50%)"
  })
  box.append(input)
  own(form, "append")(box)
}
