/**
 * Forms that the browser must not send itself. Pure.
 *
 * @module
 */
import { attributeOf, formMember } from "./FormMember.ts"

/**
 * Whether a form names neither a website nor an address to which the browser could post it. The browser would put the
 * visitor's input into the URL of the page.
 */
export const isAddressless = (form: HTMLFormElement): boolean =>
  !attributeOf(form, "data-site") && !(formMember(form, "method") === "post" && attributeOf(form, "action"))
