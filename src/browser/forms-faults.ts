/**
 * The part of the form enhancer for forms that are refused or not set up: shows validation errors at their fields, and logs
 * advice for the website's owner. The enhancer loads it only when a page has such a form.
 *
 * The errors of a field named `email` are shown in the form's own `<span data-hydracore-error="email"></span>`. If the form has
 * no such element, it is created after the field.
 *
 * @module
 */
import { type Control, controls, formMember } from "./forms/Controls.ts"
import type { FieldError } from "./forms/Delivery.ts"

const attribute = "data-hydracore-error"

const describedBy = (control: Control): ReadonlyArray<string> =>
  (control.getAttribute("aria-describedby") ?? "").split(/\s+/).filter((id) => id !== "")

const setDescribedBy = (control: Control, ids: ReadonlyArray<string>): void => {
  if (ids.length > 0) control.setAttribute("aria-describedby", ids.join(" "))
  else control.removeAttribute("aria-describedby")
}

let lastId = 0

/** The functions that hide the errors of each form. */
const hiders = new WeakMap<HTMLFormElement, Array<() => void>>()

/** Shows a message at the controls of a field, which share its name. Returns a function that hides the message. */
const showOne = (form: HTMLFormElement, group: ReadonlyArray<Control>, message: string): (() => void) => {
  const [first] = group
  const last = group[group.length - 1]!
  const existing = Array.from(formMember(form, "querySelectorAll")(`[${attribute}]`)).find(
    (element) => element.getAttribute(attribute) === first!.name
  )
  const output = existing ?? document.createElement("span")
  if (existing === undefined) {
    output.setAttribute(attribute, first!.name)
    // After the label if it contains the control.
    ;(last.closest("label") ?? last).after(output)
  }
  output.id ||= `hydracore-error-${++lastId}`
  output.textContent = message
  for (const control of group) {
    control.setAttribute("aria-invalid", "true")
    setDescribedBy(control, [...describedBy(control).filter((id) => id !== output.id), output.id])
  }
  const hide = () => {
    for (const control of group) {
      control.removeEventListener("input", hide)
      control.removeAttribute("aria-invalid")
      setDescribedBy(
        control,
        describedBy(control).filter((id) => id !== output.id)
      )
    }
    if (existing === undefined) output.remove()
    else output.textContent = ""
  }
  for (const control of group) control.addEventListener("input", hide)
  return hide
}

/** Hides all errors of a form. */
export const clear = (form: HTMLFormElement): void => {
  for (const hide of hiders.get(form) ?? []) hide()
  hiders.delete(form)
}

/**
 * Shows errors at their fields. Returns the errors whose field the form does not have, and logs them in the browser's console
 * for the website's owner.
 *
 * @param moveFocus whether the first field with an error receives the focus
 */
export const show = (
  form: HTMLFormElement,
  errors: ReadonlyArray<FieldError>,
  moveFocus: boolean
): ReadonlyArray<FieldError> => {
  clear(form)
  const all = controls(form)
  const formHiders: Array<() => void> = []
  const rest: Array<FieldError> = []
  const marked = new Set<Control>()
  for (const field of new Set(errors.map((error) => error.field))) {
    const ofField = errors.filter((error) => error.field === field)
    const group = field === undefined ? [] : all.filter(({ name }) => name === field)
    if (group.length === 0) {
      rest.push(...ofField)
      console.error(`HydraCore: the edge refused the field "${field}", which this form does not have.`, form)
    } else {
      formHiders.push(showOne(form, group, ofField.map(({ message }) => message).join(" ")))
      marked.add(group[0]!)
    }
  }
  hiders.set(form, formHiders)
  if (moveFocus) all.find((control) => marked.has(control))?.focus()
  return rest
}

/**
 * @param status the status of the edge's response; undefined if the form was not sent
 * @param detail the reason in the response. The reason of a 403 says what to do. Otherwise, `data-site` is missing or wrong.
 */
export const tellOwner = (form: HTMLFormElement, status?: number, detail = ""): void => {
  const advice = status === 403 ? "" : "Set its data-site to the website_config_id that `hydracore site list` shows."
  console.error(["HydraCore: this form cannot be sent.", detail, advice].filter((text) => text !== "").join(" "), form)
}
