/**
 * Resets fields that React controls. `HTMLFormElement.reset` does not change React's state, so React would keep the old value
 * or show it again. Other fields are not touched.
 *
 * @module
 */

/** A field of any kind. The members that its kind lacks are undefined. */
type Field = Omit<HTMLInputElement, "type"> & {
  readonly type: string
  /** The options of a `<select>`. */
  readonly options?: Iterable<HTMLOptionElement>
}

/** The state of each field when it was first seen: its value, whether it was checked, and which options were selected. */
const initial = new WeakMap<Element, readonly [value: string, isChecked: boolean, selected: ReadonlyArray<boolean>]>()

export const remember = (fields: ReadonlyArray<Element>): void => {
  for (const field of fields as ReadonlyArray<Field>) {
    if (!initial.has(field)) {
      initial.set(field, [field.value, field.checked, Array.from(field.options ?? [], ({ selected }) => selected)])
    }
  }
}

/** Sets a property as the browser does, so that React, which overrides the property of the element, sees a change. */
const set = (field: Field, name: "value" | "checked", value: unknown): boolean =>
  Reflect.set(Object.getPrototypeOf(field) as object, name, value, field)

/** The types of controls that are not reset: visitors cannot change them, or scripts cannot set them (`file`). */
const skippedTypes = /^(hidden|file|submit|button|image|reset|fieldset|output)$/

/** Sets React's fields to their initial values, as a visitor would. Called after the form's `reset`. */
export const reset = (fields: ReadonlyArray<Element>): void => {
  for (const field of fields as ReadonlyArray<Field>) {
    const { type } = field
    const [value, isChecked, selected] = initial.get(field) ?? ["", false, []]
    if (skippedTypes.test(type) || !Object.keys(field).some((key) => key.startsWith("__react"))) continue
    if (/^(checkbox|radio)$/.test(type)) {
      // Selecting a radio button switches off the others of its group.
      if (isChecked || type === "checkbox") {
        set(field, "checked", !isChecked)
        field.click()
      }
    } else {
      if (field.options) {
        for (const [index, option] of Array.from(field.options).entries()) option.selected = selected[index] ?? false
      } else set(field, "value", value)
      field.dispatchEvent(new Event(field.options ? "change" : "input", { bubbles: true }))
    }
  }
}
