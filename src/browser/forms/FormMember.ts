/**
 * Access to the members of a form. A form's field hides the member with the field's name: in a form with a field named
 * `getAttribute`, `form.getAttribute` is that field.
 *
 * @module
 */

/** Returns a member of a form, whatever the names of its fields are. Methods are bound to the form. */
export const formMember = <Name extends keyof HTMLFormElement>(
  form: HTMLFormElement,
  name: Name
): HTMLFormElement[Name] => {
  const member = Reflect.get(HTMLFormElement.prototype, name, form)
  return typeof member === "function" ? member.bind(form) : member
}

/** Returns an attribute of a form, whatever the names of its fields are. */
export const attributeOf = (form: HTMLFormElement, name: string): string | null =>
  formMember(form, "getAttribute")(name)
