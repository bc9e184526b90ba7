/**
 * Enhances a form and sends it. Attributes of the form:
 *
 * - `data-site`: the website_config_id. Without it, the browser submits the form to its `action`.
 * - `data-page`: the page's slug.
 * - `data-next`: the page to open after success, if the visitor is still waiting (`isAwaited`).
 * - `data-text-*`: see `Texts`.
 *
 * Messages appear in the form's `[data-hydracore-status]` element, which is created if missing. The form's `data-state`, for
 * style sheets, is `sending`, `sent`, `invalid`, `waiting` or `failed`.
 *
 * The form dispatches these bubbling, cancelable events:
 *
 * - `hydracore:submit`, `detail: {content}`: before sending. Listeners can change the content. If canceled, nothing is sent.
 * - `hydracore:success`, `detail: {submission_id}`. If canceled, the form is not reset, shows no message and opens no page.
 * - `hydracore:error`, `detail: {reason, faults, status, detail, seconds}`. If canceled, the form shows no message and does
 *   not retry. `reason` is `invalid`, `file`, `limited`, `away` or `refused`.
 *
 * @module
 */

import { trackerSession } from "../Session.ts"
import * as Delivery from "./Delivery.ts"
import * as FieldErrors from "./FieldErrors.ts"
import * as FormContent from "./FormContent.ts"
import { formMember } from "./FormMember.ts"
import * as Honeypot from "./Honeypot.ts"
import { type TextName, text } from "./Texts.ts"

/** A submission that the edge has not accepted yet. */
interface Pending {
  /** The content as JSON, without the display time. Equal content is the same submission. */
  readonly content: string
  /** The state of the controls, as JSON. */
  readonly typed: string
  readonly body: string
  readonly key: string
  readonly endpoint: string
  /** The attempts since the visitor last submitted the form, and the time of that. */
  attempts: number
  submittedAt: number
  cancelRetry: () => void
}

interface State {
  status: HTMLElement
  shownAt: number
  isBusy: boolean
  pending: Pending | undefined
}

/** How long a visitor is assumed to wait for a retry, in milliseconds. */
const attentionSpan = 10_000

/** The forms that were enhanced. A form whose enhancement failed has no state. */
const states = new WeakMap<HTMLFormElement, State | undefined>()

const statusOf = (form: HTMLFormElement): HTMLElement => {
  let status = formMember(form, "querySelector")<HTMLElement>("[data-hydracore-status]")
  if (!status) {
    status = document.createElement("p")
    status.setAttribute("data-hydracore-status", "")
    formMember(form, "append")(status)
  }
  if (!status.hasAttribute("role")) status.setAttribute("role", "status")
  return status
}

const submitButtons = (form: HTMLFormElement) =>
  FieldErrors.controls(form).filter((control): control is typeof control & HTMLButtonElement =>
    /^(submit|image)$/.test((control as HTMLButtonElement).type)
  )

const enableButtons = (form: HTMLFormElement, buttons: ReadonlyArray<HTMLButtonElement>): void => {
  for (const button of buttons) button.disabled = false
  formMember(form, "removeAttribute")("aria-busy")
}

/**
 * Enhances a form: adds the honeypot and the status element, again if a framework removed them. Throws if that fails the
 * first time; the form is not tried again.
 */
export const enhance = (form: HTMLFormElement): State | undefined => {
  const state = states.get(form)
  if (!states.has(form)) {
    states.set(form, undefined)
    // Frameworks that cache pages can restore a copy of a form in the sending state. This copy is not being sent.
    if (formMember(form, "getAttribute")("data-state") === "sending") {
      enableButtons(form, submitButtons(form))
      formMember(form, "removeAttribute")("data-state")
      statusOf(form).textContent = ""
    }
    // Inside a turbo-frame, Turbo would handle the submit event before it reaches the document.
    if (formMember(form, "closest")("turbo-frame")) formMember(form, "setAttribute")("data-turbo", "false")
    Honeypot.add(form)
    states.set(form, { status: statusOf(form), shownAt: performance.now(), isBusy: false, pending: undefined })
  } else if (state && !formMember(form, "contains")(state.status)) {
    Honeypot.add(form)
    state.status = statusOf(form)
  }
  return states.get(form)
}

/** Dispatches an event. Returns whether no listener canceled it. */
const dispatch = (form: HTMLFormElement, name: "submit" | "success" | "error", detail: object): boolean =>
  formMember(form, "dispatchEvent")(new CustomEvent(`hydracore:${name}`, { bubbles: true, cancelable: true, detail }))

const showMessage = (form: HTMLFormElement, { status }: State, state: string, message: string): void => {
  formMember(form, "setAttribute")("data-state", state)
  status.textContent = message
}

const showText = (form: HTMLFormElement, state: State, name: string, key: TextName, values?: Record<string, unknown>) =>
  showMessage(form, state, name, text(form, key, values))

/** Returns the form's entries, including that of the submit button. */
const entriesOf = (form: HTMLFormElement, submitter: HTMLElement | null): Array<[string, FormDataEntryValue]> => {
  const entries = [...new FormData(form, submitter)]
  const { name, type, value } = (submitter ?? {}) as Partial<HTMLInputElement>
  // Chrome before 112, Firefox before 111 and Safari before 16.4 ignore the second argument.
  if (name && type !== "image" && entries.length === [...new FormData(form)].length) entries.push([name, value ?? ""])
  return entries
}

const read = (form: HTMLFormElement, submitter: HTMLElement | null) =>
  FormContent.fromEntries(entriesOf(form, submitter), {
    site: formMember(form, "getAttribute")("data-site") ?? "",
    page: formMember(form, "getAttribute")("data-page") ?? undefined
  })

/** Returns the state of a form's controls as JSON. Unlike `FormData`, it includes disabled controls. */
const controlState = (form: HTMLFormElement): string =>
  JSON.stringify(
    FieldErrors.controls(form).map((control) => {
      const { checked, selectedOptions, value } = control as Partial<HTMLInputElement & HTMLSelectElement>
      return [value, checked, Array.from(selectedOptions ?? [], (option) => option.value)]
    })
  )

const isUnchanged = (form: HTMLFormElement, { typed }: Pending): boolean => controlState(form) === typed

/**
 * Whether the visitor is still waiting for the result, so the focus can be moved and another page opened. That is so during
 * the first attempt and shortly after submitting, unless the visitor has changed the form or focused something outside it,
 * or the form was removed from the page.
 */
const isAwaited = (form: HTMLFormElement, pending: Pending): boolean => {
  const focused = document.activeElement
  return (
    (pending.attempts === 1 || performance.now() - pending.submittedAt < attentionSpan) &&
    isUnchanged(form, pending) &&
    // The form can be inside the focused element, such as a dialog or the page's body.
    (focused?.contains(form) ||
      formMember(form, "contains")(focused) ||
      FieldErrors.controls(form).some((control) => control === focused))
  )
}

/** Disables a form's submit buttons. Returns a function that enables them again. */
const disableButtons = (form: HTMLFormElement): (() => void) => {
  const focused = document.activeElement
  const buttons = submitButtons(form).filter(({ disabled }) => !disabled)
  for (const button of buttons) button.disabled = true
  formMember(form, "setAttribute")("aria-busy", "true")
  return () => {
    enableButtons(form, buttons)
    // A disabled button loses the focus. It is restored unless the visitor has moved it.
    if (document.activeElement === document.body) buttons.find((button) => button === focused)?.focus()
  }
}

const succeed = (form: HTMLFormElement, state: State, pending: Pending, submissionId: string | undefined): void => {
  state.pending = undefined
  const opensNext = isAwaited(form, pending)
  if (!dispatch(form, "success", { submission_id: submissionId })) return
  // Changes since the submission are kept.
  if (isUnchanged(form, pending)) formMember(form, "reset")()
  state.shownAt = performance.now()
  showText(form, state, "sent", "sent")
  const next = formMember(form, "getAttribute")("data-next")
  if (next !== null && opensNext) {
    const page = new URL(next, document.baseURI)
    if (/^https?:$/.test(page.protocol)) location.assign(page)
  }
}

/** The messages for statuses that are more specific than `failed`. */
const refusalTexts: Readonly<Record<number, TextName>> = { 403: "setup", 404: "setup", 413: "long" }

const reject = (
  form: HTMLFormElement,
  state: State,
  reason: "invalid" | "file",
  errors: ReadonlyArray<Delivery.FieldError>,
  moveFocus: boolean
): void => {
  state.pending = undefined
  if (!dispatch(form, "error", { reason, faults: errors })) return
  // The visitor cannot correct an error without a field.
  if (errors.some(({ field }) => field === undefined)) {
    showText(form, state, "failed", "setup")
    return
  }
  const rest = FieldErrors.show(form, errors, moveFocus)
  const check = rest.length < errors.length || errors.length === 0 ? [text(form, "check")] : []
  showMessage(form, state, "invalid", [...check, ...rest.map(({ message }) => message)].join(" "))
}

const deliver = async (form: HTMLFormElement, state: State, pending: Pending): Promise<void> => {
  if (state.isBusy) return
  state.isBusy = true
  const enableButtons = disableButtons(form)
  if (pending.attempts === 0) showText(form, state, "sending", "sending")
  const outcome = await Delivery.send(pending.endpoint, pending.body, pending.key)
  pending.attempts++
  state.isBusy = false
  enableButtons()
  switch (outcome._tag) {
    case "Sent":
      return succeed(form, state, pending, outcome.submissionId)
    case "Invalid":
      return reject(form, state, "invalid", outcome.errors, isAwaited(form, pending))
    case "Limited":
      if (dispatch(form, "error", { reason: "limited", seconds: outcome.seconds })) {
        showText(form, state, "failed", "limited", { seconds: outcome.seconds })
      }
      return
    case "Refused":
      if (dispatch(form, "error", { reason: "refused", status: outcome.status, detail: outcome.detail })) {
        showText(form, state, "failed", refusalTexts[outcome.status] ?? "failed")
      }
      return
    case "Unavailable":
      if (pending.attempts > 1 || dispatch(form, "error", { reason: "away", seconds: outcome.seconds })) {
        showText(form, state, "waiting", "away")
        pending.cancelRetry = Delivery.scheduleRetry(
          pending.attempts,
          outcome.seconds,
          () => void deliver(form, state, pending)
        )
      }
  }
}

/** Whether a submit button sends the form to the edge, not to its own `formaction` or to the dialog around the form. */
const isForEdge = (form: HTMLFormElement, submitter: HTMLElement | null): boolean => {
  const method = submitter?.getAttribute("formmethod") ?? formMember(form, "getAttribute")("method")
  return !submitter?.hasAttribute("formaction") && method?.toLowerCase() !== "dialog"
}

/** Handles a form's submit event. */
export const submit = (form: HTMLFormElement, event: SubmitEvent, endpoint: string): void => {
  if (!formMember(form, "getAttribute")("data-site") || !isForEdge(form, event.submitter)) return
  const state = enhance(form)
  if (state === undefined) return
  event.preventDefault()
  if (state.isBusy) return
  FieldErrors.clear(form)
  const content = read(form, event.submitter)
  if (!("form_data" in content)) {
    reject(
      form,
      state,
      "file",
      content.map((field) => ({ field, message: text(form, "file") })),
      true
    )
    return
  }
  if (!dispatch(form, "submit", { content })) return
  const typed = controlState(form)
  const contentJson = JSON.stringify(content)
  const body = FormContent.toBody(content, performance.now() - state.shownAt, trackerSession())
  state.pending?.cancelRetry()
  if (state.pending?.content !== contentJson) {
    state.pending = {
      content: contentJson,
      typed,
      body,
      key: Delivery.newKey(),
      endpoint,
      attempts: 0,
      submittedAt: 0,
      cancelRetry: () => {}
    }
  }
  state.pending.attempts = 0
  state.pending.submittedAt = performance.now()
  void deliver(form, state, state.pending)
}
