/**
 * The form enhancer: submits the forms with `data-hydracore-form` without leaving the page. Without this script, browsers
 * submit such a form to its `action`. `forms/Form.ts` documents the attributes. The tracker loads this script on pages that
 * have such a form.
 *
 *     <form data-hydracore-form data-site="<website_config_id>" data-page="contact"> ... </form>
 *
 * @module
 */

import { formMember } from "./forms/Controls.ts"
import { enhance, submit } from "./forms/Form.ts"

const selector = "form[data-hydracore-form]"

/** The address of the submit endpoint, which is beside this script. */
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
