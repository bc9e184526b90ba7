/**
 * Reads the members and the controls of a form, and disables and enables its submit buttons. A form's field hides the member with
 * the field's name: in a form with a field named `getAttribute`, `form.getAttribute` is that field.
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

export type Control = HTMLElement & { readonly name: string }

export const controls = (form: HTMLFormElement): ReadonlyArray<Control> =>
  Array.from(formMember(form, "elements")) as unknown as ReadonlyArray<Control>

/** Returns the form's entries, including that of the submit button. */
export const entriesOf = (
  form: HTMLFormElement,
  submitter: HTMLElement | null
): Array<[string, FormDataEntryValue]> => {
  const entries = [...new FormData(form, submitter)]
  const { name, type, value } = (submitter ?? {}) as Partial<HTMLInputElement>
  // Chrome before 112, Firefox before 111 and Safari before 16.4 ignore the second argument of `FormData`.
  if (name && type !== "image" && entries.length === [...new FormData(form)].length) entries.push([name, value ?? ""])
  return entries
}

/** Returns the state of a form's controls as JSON. Unlike `FormData`, it includes disabled controls. */
export const controlState = (form: HTMLFormElement): string =>
  JSON.stringify(
    controls(form).map((control) => {
      const { checked, selectedOptions, value } = control as Partial<HTMLInputElement & HTMLSelectElement>
      return [value, checked, Array.from(selectedOptions ?? [], (option) => option.value)]
    })
  )

export const submitButtons = (form: HTMLFormElement) =>
  controls(form).filter((control): control is typeof control & HTMLButtonElement =>
    /^(submit|image)$/.test((control as HTMLButtonElement).type)
  )

export const enableButtons = (form: HTMLFormElement, buttons: ReadonlyArray<HTMLButtonElement>): void => {
  for (const button of buttons) button.disabled = false
  formMember(form, "removeAttribute")("aria-busy")
}

/** Disables a form's submit buttons and sets `aria-busy`. Returns a function that undoes both. */
export const disableButtons = (form: HTMLFormElement): (() => void) => {
  const focused = document.activeElement
  const buttons = submitButtons(form).filter(({ disabled }) => !disabled)
  for (const button of buttons) button.disabled = true
  formMember(form, "setAttribute")("aria-busy", "true")
  return () => {
    enableButtons(form, buttons)
    // A disabled button loses the focus. The button gets it back unless the visitor has moved the focus elsewhere.
    if (document.activeElement === document.body) buttons.find((button) => button === focused)?.focus()
  }
}
