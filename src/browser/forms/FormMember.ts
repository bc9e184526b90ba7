/**
 * A form's own members. A form is a dangerous thing to ask: a field of it hides the member of its name, so that in a form
 * with a field named `getAttribute` there is no `form.getAttribute()`.
 *
 * @module
 */

/** A form's own member, whatever its fields are named; a method stays the form's when it is called by itself. */
export const own = <Name extends keyof HTMLFormElement>(form: HTMLFormElement, name: Name): HTMLFormElement[Name] => {
  const member = Reflect.get(HTMLFormElement.prototype, name, form)
  return typeof member === "function" ? member.bind(form) : member
}
