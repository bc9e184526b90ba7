/**
 * The life of one form: shown, sent, answered. Attributes of the form:
 *
 * - `data-site` (the website_config_id; without it the browser sends the form by its `action`), `data-page`.
 * - `data-next`: the page to go to when it was sent, if the visitor still waits for that (`isAwaited`).
 * - `data-text-*`: see `Texts`.
 *
 * What the form says goes to the element `[data-hydracore-status]` in it, or to one that is made. For a style sheet the
 * form carries `data-state`: `sending`, `sent`, `invalid`, `waiting` or `failed`.
 *
 * Events on the form, which bubble, and whose `preventDefault()` stops what would follow:
 *
 * - `hydracore:submit`, `detail: {content}`: before it is sent. The content may be changed; stopped, it is not sent.
 * - `hydracore:success`, `detail: {submission_id}`: stopped, the form is not emptied, says nothing and goes nowhere.
 * - `hydracore:error`, `detail: {reason, faults, status, detail, seconds}`: stopped, the form says nothing, and does not
 *   send again by itself. `reason` is `invalid`, `file`, `limited`, `away` or `refused`.
 *
 * @module
 */

import * as Delivery from "./Delivery.ts"
import * as Faults from "./FieldErrors.ts"
import * as Content from "./FormContent.ts"
import { own } from "./FormMember.ts"
import * as Honeypot from "./Honeypot.ts"
import { type TextName, text } from "./Texts.ts"

/** A submission that was asked for and has not arrived. */
interface Pending {
  /** What is sent, but for the time that it took; the same again is the same submission. */
  readonly content: string
  /** What the form held for its visitor's eyes. */
  readonly typed: string
  readonly body: string
  readonly key: string
  readonly endpoint: string
  /** Attempts since the visitor pressed for it, and when that was. */
  attempts: number
  pressedAt: number
  /** Calls off the next attempt. */
  stop: () => void
}

interface State {
  status: HTMLElement
  shownAt: number
  busy: boolean
  pending: Pending | undefined
}

/** Milliseconds after its button was pressed during which a visitor waits for a form that is sent a second time. */
const attention = 10_000

/** Forms that were looked at; one that could not be enhanced has no state. */
const states = new WeakMap<HTMLFormElement, State | undefined>()

const statusOf = (form: HTMLFormElement): HTMLElement => {
  let status = own(form, "querySelector")<HTMLElement>("[data-hydracore-status]")
  if (!status) {
    status = document.createElement("p")
    status.setAttribute("data-hydracore-status", "")
    own(form, "append")(status)
  }
  if (!status.hasAttribute("role")) status.setAttribute("role", "status")
  return status
}

/** The buttons that send a form. */
const submitButtons = (form: HTMLFormElement) =>
  Faults.controls(form).filter((control): control is typeof control & HTMLButtonElement =>
    /^(submit|image)$/.test((control as HTMLButtonElement).type)
  )

const enableButtons = (form: HTMLFormElement, buttons: ReadonlyArray<HTMLButtonElement>): void => {
  for (const button of buttons) button.disabled = false
  own(form, "removeAttribute")("aria-busy")
}

/**
 * Prepares a form for what its visitor may do, and once more where a framework took away what was put into it. Throws if
 * that fails, and is not tried again then.
 */
export const enhance = (form: HTMLFormElement): State | undefined => {
  const state = states.get(form)
  if (!states.has(form)) {
    states.set(form, undefined)
    // A copy of a form that was just sent, as a framework keeps of a page to show it again: nobody waits for this one.
    if (own(form, "getAttribute")("data-state") === "sending") {
      enableButtons(form, submitButtons(form))
      own(form, "removeAttribute")("data-state")
      statusOf(form).textContent = ""
    }
    // In a frame of its own, Turbo takes what is sent before the document hears of it, unless it is told not to.
    if (own(form, "closest")("turbo-frame")) own(form, "setAttribute")("data-turbo", "false")
    Honeypot.add(form)
    states.set(form, { status: statusOf(form), shownAt: performance.now(), busy: false, pending: undefined })
  } else if (state && !own(form, "contains")(state.status)) {
    Honeypot.add(form)
    state.status = statusOf(form)
  }
  return states.get(form)
}

/** Whether what follows the event may follow. */
const allows = (form: HTMLFormElement, name: "submit" | "success" | "error", detail: object): boolean =>
  own(form, "dispatchEvent")(new CustomEvent(`hydracore:${name}`, { bubbles: true, cancelable: true, detail }))

const say = (form: HTMLFormElement, { status }: State, state: string, message: string): void => {
  own(form, "setAttribute")("data-state", state)
  status.textContent = message
}

const sayText = (form: HTMLFormElement, state: State, name: string, key: TextName, values?: Record<string, unknown>) =>
  say(form, state, name, text(form, key, values))

/** What a form holds, and the button that was pressed, if it has a name. */
const entriesOf = (form: HTMLFormElement, submitter: HTMLElement | null): Array<[string, FormDataEntryValue]> => {
  const entries = [...new FormData(form, submitter)]
  const { name, type, value } = (submitter ?? {}) as Partial<HTMLInputElement>
  // Chrome before 112, Firefox before 111 and Safari before 16.4 know nothing of a button here.
  if (name && type !== "image" && entries.length === [...new FormData(form)].length) entries.push([name, value ?? ""])
  return entries
}

const read = (form: HTMLFormElement, submitter: HTMLElement | null) =>
  Content.read(entriesOf(form, submitter), {
    site: own(form, "getAttribute")("data-site") ?? "",
    page: own(form, "getAttribute")("data-page") ?? undefined
  })

/** What a form holds for its visitor's eyes. A page may switch fields off meanwhile: that changes nothing of it. */
const typedIn = (form: HTMLFormElement): string =>
  JSON.stringify(
    Faults.controls(form).map((control) => {
      const { checked, selectedOptions, value } = control as Partial<HTMLInputElement & HTMLSelectElement>
      return [value, checked, Array.from(selectedOptions ?? [], (option) => option.value)]
    })
  )

/** Whether a form holds what was sent. */
const isUnchanged = (form: HTMLFormElement, { typed }: Pending): boolean => typedIn(form) === typed

/**
 * Whether the visitor still waits for what was pressed for, so that the focus may move and the page be left: it was just
 * now or is the first attempt, nothing was typed since, and the visitor is not elsewhere in the page. A form that is no
 * longer in the page is awaited by nobody.
 */
const isAwaited = (form: HTMLFormElement, pending: Pending): boolean => {
  const place = document.activeElement
  return (
    (pending.attempts === 1 || performance.now() - pending.pressedAt < attention) &&
    isUnchanged(form, pending) &&
    // Beside the form and what is in it: what is around it, such as a dialog, or the whole page.
    (place?.contains(form) ||
      own(form, "contains")(place) ||
      Faults.controls(form).some((control) => control === place))
  )
}

/** Switches the buttons off that send a form, and gives what switches them on again. */
const disableButtons = (form: HTMLFormElement): (() => void) => {
  const focused = document.activeElement
  const buttons = submitButtons(form).filter(({ disabled }) => !disabled)
  for (const button of buttons) button.disabled = true
  own(form, "setAttribute")("aria-busy", "true")
  return () => {
    enableButtons(form, buttons)
    // A button that is switched off loses the focus: it gets it back, unless the visitor went elsewhere.
    if (document.activeElement === document.body) buttons.find((button) => button === focused)?.focus()
  }
}

const succeed = (form: HTMLFormElement, state: State, pending: Pending, submissionId: string | undefined): void => {
  state.pending = undefined
  const goesOn = isAwaited(form, pending)
  if (!allows(form, "success", { submission_id: submissionId })) return
  // What was typed since is not thrown away.
  if (isUnchanged(form, pending)) own(form, "reset")()
  state.shownAt = performance.now()
  sayText(form, state, "sent", "sent")
  const next = own(form, "getAttribute")("data-next")
  if (next !== null && goesOn) {
    const page = new URL(next, document.baseURI)
    if (/^https?:$/.test(page.protocol)) location.assign(page)
  }
}

/** What is said of the statuses that say more than that it failed. */
const refusals: Readonly<Record<number, TextName>> = { 403: "setup", 404: "setup", 413: "long" }

const reject = (
  form: HTMLFormElement,
  state: State,
  reason: "invalid" | "file",
  faults: ReadonlyArray<Delivery.Fault>,
  goThere: boolean
): void => {
  state.pending = undefined
  if (!allows(form, "error", { reason, faults })) return
  // What is at no field was not typed by the visitor.
  if (faults.some(({ field }) => field === undefined)) {
    sayText(form, state, "failed", "setup")
    return
  }
  const rest = Faults.show(form, faults, goThere)
  const check = rest.length < faults.length || faults.length === 0 ? [text(form, "check")] : []
  say(form, state, "invalid", [...check, ...rest.map(({ message }) => message)].join(" "))
}

const deliver = async (form: HTMLFormElement, state: State, pending: Pending): Promise<void> => {
  if (state.busy) return
  state.busy = true
  const enableButtons = disableButtons(form)
  if (pending.attempts === 0) sayText(form, state, "sending", "sending")
  const outcome = await Delivery.send(pending.endpoint, pending.body, pending.key)
  pending.attempts++
  state.busy = false
  enableButtons()
  switch (outcome._tag) {
    case "Sent":
      return succeed(form, state, pending, outcome.submissionId)
    case "Invalid":
      return reject(form, state, "invalid", outcome.faults, isAwaited(form, pending))
    case "Limited":
      if (allows(form, "error", { reason: "limited", seconds: outcome.seconds })) {
        sayText(form, state, "failed", "limited", { seconds: outcome.seconds })
      }
      return
    case "Refused":
      if (allows(form, "error", { reason: "refused", status: outcome.status, detail: outcome.detail })) {
        sayText(form, state, "failed", refusals[outcome.status] ?? "failed")
      }
      return
    case "Away":
      if (pending.attempts > 1 || allows(form, "error", { reason: "away", seconds: outcome.seconds })) {
        sayText(form, state, "waiting", "away")
        pending.stop = Delivery.whenBack(pending.attempts, outcome.seconds, () => void deliver(form, state, pending))
      }
  }
}

/** Whether a button sends a form to the edge: not one that goes elsewhere, or only closes the dialog around the form. */
const isForEdge = (form: HTMLFormElement, submitter: HTMLElement | null): boolean => {
  const method = submitter?.getAttribute("formmethod") ?? own(form, "getAttribute")("method")
  return !submitter?.hasAttribute("formaction") && method?.toLowerCase() !== "dialog"
}

/** Takes a form's sending over from the browser. */
export const submit = (form: HTMLFormElement, event: SubmitEvent, endpoint: string): void => {
  if (!own(form, "getAttribute")("data-site") || !isForEdge(form, event.submitter)) return
  const state = enhance(form)
  if (state === undefined) return
  event.preventDefault()
  if (state.busy) return
  Faults.clear(form)
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
  if (!allows(form, "submit", { content })) return
  const typed = typedIn(form)
  const same = JSON.stringify(content)
  const body = Content.toBody(content, performance.now() - state.shownAt)
  state.pending?.stop()
  if (state.pending?.content !== same) {
    state.pending = {
      content: same,
      typed,
      body,
      key: Delivery.newKey(),
      endpoint,
      attempts: 0,
      pressedAt: 0,
      stop: () => {}
    }
  }
  state.pending.attempts = 0
  state.pending.pressedAt = performance.now()
  void deliver(form, state, state.pending)
}
