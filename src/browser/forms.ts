/**
 * The form enhancer: submits the forms of a page without leaving the page. Without this script, browsers submit the form to
 * its `action`. `forms/Form.ts` documents the attributes. The tracker loads this script on pages with such a form.
 *
 *     <form data-hydracore-form data-site="<website_config_id>" data-page="contact"> ... </form>
 *
 * @module
 */
import { enhance, submit } from "./forms/Form.ts"
import { formMember } from "./forms/FormMember.ts"

const selector = "form[data-hydracore-form]"

/** The submit endpoint, relative to this script's address. */
const endpoint = new URL("forms/submit", import.meta.url).href

const enhanceAll = () => {
  for (const form of document.querySelectorAll<HTMLFormElement>(selector)) {
    try {
      enhance(form)
    } catch {
      // The browser submits this form; the other forms are still enhanced.
    }
  }
}

document.addEventListener("submit", (event) => {
  const form = event.target
  if (!event.defaultPrevented && form instanceof HTMLFormElement && formMember(form, "matches")(selector)) {
    submit(form, event, endpoint)
  }
})
enhanceAll()
new MutationObserver(enhanceAll).observe(document, { childList: true, subtree: true })
