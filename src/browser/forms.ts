/**
 * The form enhancer: sends the forms of a page without leaving it. A form works without this script too, by its `action`;
 * what a form may say with attributes stands in `forms/`. The tracker loads it where there is a form for it.
 *
 *     <form data-hydracore-form data-site="<website_config_id>" data-page="contact"> ... </form>
 *
 * @module
 */
import { enhance, submit } from "./forms/Form.ts"
import { own } from "./forms/FormMember.ts"

const selector = "form[data-hydracore-form]"

/** Where forms are sent to: beside this script's own address. */
const endpoint = new URL("forms/submit", import.meta.url).href

const enhanceAll = () => {
  for (const form of document.querySelectorAll<HTMLFormElement>(selector)) {
    try {
      enhance(form)
    } catch {
      // The browser sends this one; the next is none the worse for it.
    }
  }
}

document.addEventListener("submit", (event) => {
  const form = event.target
  if (!event.defaultPrevented && form instanceof HTMLFormElement && own(form, "matches")(selector)) {
    submit(form, event, endpoint)
  }
})
enhanceAll()
new MutationObserver(enhanceAll).observe(document, { childList: true, subtree: true })
