/**
 * Reads the members and the controls of a form, disables and enables its submit buttons, and resets what React controls. A form's
 * field hides the member with the field's name: in a form with a field named `getAttribute`, `form.getAttribute` is that field.
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

/** A field of any kind. The members that its kind lacks are undefined. */
type Field = Omit<HTMLInputElement, "type"> & {
  readonly type: string
  /** The options of a `<select>`. */
  readonly options?: Iterable<HTMLOptionElement>
}

/** The state of each field when it was first seen: its value, whether it was checked, and which options were selected. */
const initial = new WeakMap<Element, readonly [value: string, isChecked: boolean, selected: ReadonlyArray<boolean>]>()

export const rememberFields = (fields: ReadonlyArray<Element>): void => {
  for (const field of fields as ReadonlyArray<Field>) {
    if (!initial.has(field)) {
      initial.set(field, [field.value, field.checked, Array.from(field.options ?? [], ({ selected }) => selected)])
    }
  }
}

/** Sets a property as the browser does, so that React, which overrides the property of the element, sees a change. */
const setProperty = (field: Field, name: "value" | "checked", value: unknown): boolean =>
  Reflect.set(Object.getPrototypeOf(field) as object, name, value, field)

/** The types of controls that are not reset: visitors cannot change them, or scripts cannot set them (`file`). */
const skippedTypes = /^(hidden|file|submit|button|image|reset|fieldset|output)$/

/**
 * Sets the fields that React controls to their initial values, as a visitor would. Called after the form's `reset`, which does not
 * change React's state, so React would keep the old values or show them again. Other fields are not touched.
 */
export const resetReact = (fields: ReadonlyArray<Element>): void => {
  for (const field of fields as ReadonlyArray<Field>) {
    const { type } = field
    const [value, isChecked, selected] = initial.get(field) ?? ["", false, []]
    if (skippedTypes.test(type) || !Object.keys(field).some((key) => key.startsWith("__react"))) continue
    if (/^(checkbox|radio)$/.test(type)) {
      // Selecting a radio button switches off the others of its group.
      if (isChecked || type === "checkbox") {
        setProperty(field, "checked", !isChecked)
        field.click()
      }
    } else {
      if (field.options) {
        for (const [index, option] of Array.from(field.options).entries()) option.selected = selected[index] ?? false
      } else setProperty(field, "value", value)
      field.dispatchEvent(new Event(field.options ? "change" : "input", { bubbles: true }))
    }
  }
}
