/**
 * The part of the form enhancer for forms that are refused or not set up: shows validation errors at their fields, and logs
 * advice for the website's owner. The enhancer loads it only when a page has such a form.
 *
 * @module
 */
export { clear, show } from "./forms/FieldErrors.ts"
export { tellOwner } from "./forms/Setup.ts"
