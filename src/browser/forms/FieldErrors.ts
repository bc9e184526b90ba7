/**
 * Shows what is wrong with a form at its fields, for eyes and for screen readers.
 *
 * A form may have a place of its own for a field's fault, `<span data-hydracore-error="email"></span>`; else one is made
 * after the field.
 *
 * @module
 */
import type { Fault } from "./Delivery.ts"
import { own } from "./FormMember.ts"

type Control = HTMLElement & { readonly name: string }

/** A form's controls. */
export const controls = (form: HTMLFormElement): ReadonlyArray<Control> =>
  Array.from(own(form, "elements")) as unknown as ReadonlyArray<Control>

const attribute = "data-hydracore-error"

const refs = (control: Control): ReadonlyArray<string> =>
  (control.getAttribute("aria-describedby") ?? "").split(/\s+/).filter((id) => id !== "")

const describe = (control: Control, ids: ReadonlyArray<string>): void => {
  if (ids.length > 0) control.setAttribute("aria-describedby", ids.join(" "))
  else control.removeAttribute("aria-describedby")
}

let made = 0

/** What takes the shown faults away again. */
const shown = new WeakMap<HTMLFormElement, Array<() => void>>()

const showOne = (form: HTMLFormElement, group: ReadonlyArray<Control>, message: string): (() => void) => {
  const [first] = group
  const last = group[group.length - 1]!
  const given = Array.from(own(form, "querySelectorAll")(`[${attribute}]`)).find(
    (place) => place.getAttribute(attribute) === first!.name
  )
  const place = given ?? document.createElement("span")
  if (given === undefined) {
    place.setAttribute(attribute, first!.name)
    // A control inside its label: beside the label.
    ;(last.closest("label") ?? last).after(place)
  }
  place.id ||= `hydracore-error-${++made}`
  place.textContent = message
  for (const control of group) {
    control.setAttribute("aria-invalid", "true")
    describe(control, [...refs(control).filter((id) => id !== place.id), place.id])
  }
  const hide = () => {
    for (const control of group) {
      control.removeEventListener("input", hide)
      control.removeAttribute("aria-invalid")
      describe(
        control,
        refs(control).filter((id) => id !== place.id)
      )
    }
    if (given === undefined) place.remove()
    else place.textContent = ""
  }
  // Whoever mends it is no longer told of it.
  for (const control of group) control.addEventListener("input", hide)
  return hide
}

/** Takes every fault away. */
export const clear = (form: HTMLFormElement): void => {
  for (const hide of shown.get(form) ?? []) hide()
  shown.delete(form)
}

/**
 * Shows faults at their fields. Gives those that belong to no field of the form.
 *
 * @param goThere whether the focus goes to the first of the fields.
 */
export const show = (form: HTMLFormElement, faults: ReadonlyArray<Fault>, goThere: boolean): ReadonlyArray<Fault> => {
  clear(form)
  const all = controls(form)
  const hides: Array<() => void> = []
  const rest: Array<Fault> = []
  const marked = new Set<Control>()
  for (const field of new Set(faults.map((fault) => fault.field))) {
    const ofField = faults.filter((fault) => fault.field === field)
    const group = field === undefined ? [] : all.filter(({ name }) => name === field)
    if (group.length === 0) rest.push(...ofField)
    else {
      hides.push(showOne(form, group, ofField.map(({ message }) => message).join(" ")))
      marked.add(group[0]!)
    }
  }
  shown.set(form, hides)
  if (goThere) all.find((control) => marked.has(control))?.focus()
  return rest
}
