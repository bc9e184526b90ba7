/**
 * Forms that the browser must not send itself. Pure.
 *
 * @module
 */
import { attributeOf, formMember } from "./FormMember.ts"

/**
 * Whether a form names neither a website nor an address to which the browser could post the form. If the browser sent such a
 * form, the visitor's input would get into a URL.
 */
export const isAddressless = (form: HTMLFormElement): boolean =>
  !attributeOf(form, "data-site") && !(formMember(form, "method") === "post" && attributeOf(form, "action"))
