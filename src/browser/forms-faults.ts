/**
 * What the form enhancer needs only if a form cannot be sent: it shows validation errors at their fields, and logs for the
 * website's owner what to do. The enhancer loads this script then.
 *
 * @module
 */
export { clear, show } from "./forms/FieldErrors.ts"
export { tellOwner } from "./forms/Setup.ts"
