/**
 * The part of the form enhancer for forms that cannot be sent: shows validation errors at their fields, and logs advice for
 * the website's owner. The enhancer loads it when a form cannot be sent.
 *
 * @module
 */
export { clear, show } from "./forms/FieldErrors.ts"
export { tellOwner } from "./forms/Setup.ts"
