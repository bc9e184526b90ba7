/**
 * The life of one form: shown, sent, answered. Attributes of the form:
 *
 * - `data-site` (the website_config_id; without it the browser sends the form by its `action`), `data-page`.
 * - `data-next`: the page to go to when it was sent.
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
import * as Content from "./Content.ts"
import * as Delivery from "./Delivery.ts"
import * as Faults from "./Faults.ts"
import * as Honeypot from "./Honeypot.ts"
import { type TextName, text } from "./Texts.ts"

/** A submission that was asked for and has not arrived. */
interface Pending {
  /** What is sent, but for the time that it took; the same again is the same submission. */
  readonly content: string
  /** What the form held, without the button that was pressed. */
  readonly typed: string
  readonly body: string
  readonly key: string
  readonly endpoint: string
  attempts: number
  /** Calls off the next attempt. */
  stop: () => void
}

interface State {
  readonly status: HTMLElement
  shownAt: number
  busy: boolean
  pending: Pending | undefined
}

const states = new WeakMap<HTMLFormElement, State>()

const statusOf = (form: HTMLFormElement): HTMLElement => {
  let status = form.querySelector<HTMLElement>("[data-hydracore-status]")
  if (!status) {
    status = document.createElement("p")
    status.setAttribute("data-hydracore-status", "")
    form.append(status)
  }
  if (!status.hasAttribute("role")) status.setAttribute("role", "status")
  return status
}

/** Prepares a form for what its visitor may do, once. */
export const enhance = (form: HTMLFormElement): State => {
  let state = states.get(form)
  if (state === undefined) {
    state = { status: statusOf(form), shownAt: performance.now(), busy: false, pending: undefined }
    states.set(form, state)
    Honeypot.add(form)
  }
  return state
}

/** Whether what follows the event may follow. */
const allows = (form: HTMLFormElement, name: "submit" | "success" | "error", detail: object): boolean =>
  form.dispatchEvent(new CustomEvent(`hydracore:${name}`, { bubbles: true, cancelable: true, detail }))

const say = (form: HTMLFormElement, { status }: State, state: string, message: string): void => {
  form.setAttribute("data-state", state)
  status.textContent = message
}

const sayText = (form: HTMLFormElement, state: State, name: string, key: TextName, values?: Record<string, unknown>) =>
  say(form, state, name, text(form, key, values))

const read = (form: HTMLFormElement, submitter: HTMLElement | null) =>
  Content.read(new FormData(form, submitter), {
    site: form.getAttribute("data-site") ?? "",
    page: form.getAttribute("data-page") ?? undefined
  })

/** Switches the buttons off that send a form, and gives what switches them on again. */
const disableButtons = (form: HTMLFormElement): (() => void) => {
  const focused = document.activeElement
  const buttons = Faults.controls(form).filter(
    (control): control is typeof control & HTMLButtonElement =>
      /^(submit|image)$/.test((control as HTMLButtonElement).type) && !(control as HTMLButtonElement).disabled
  )
  for (const button of buttons) button.disabled = true
  form.setAttribute("aria-busy", "true")
  return () => {
    for (const button of buttons) button.disabled = false
    form.removeAttribute("aria-busy")
    // A button that is switched off loses the focus: it gets it back, unless the visitor went elsewhere.
    if (document.activeElement === document.body) buttons.find((button) => button === focused)?.focus()
  }
}

const succeed = (form: HTMLFormElement, state: State, pending: Pending, submissionId: string | undefined): void => {
  state.pending = undefined
  if (!allows(form, "success", { submission_id: submissionId })) return
  // What was typed since is not thrown away.
  if (JSON.stringify(read(form, null)) === pending.typed) HTMLFormElement.prototype.reset.call(form)
  state.shownAt = performance.now()
  sayText(form, state, "sent", "sent")
  const next = form.getAttribute("data-next")
  if (next !== null) {
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
  faults: ReadonlyArray<Delivery.Fault>
): void => {
  state.pending = undefined
  if (!allows(form, "error", { reason, faults })) return
  // What is at no field was not typed by the visitor.
  if (faults.some(({ field }) => field === undefined)) {
    sayText(form, state, "failed", "setup")
    return
  }
  const rest = Faults.show(form, faults)
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
      return reject(form, state, "invalid", outcome.faults)
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

/** Takes a form's sending over from the browser. */
export const submit = (form: HTMLFormElement, event: SubmitEvent, endpoint: string): void => {
  if (!form.getAttribute("data-site")) return
  event.preventDefault()
  const state = enhance(form)
  if (state.busy) return
  Faults.clear(form)
  const content = read(form, event.submitter)
  if (!("form_data" in content)) {
    reject(
      form,
      state,
      "file",
      content.map((field) => ({ field, message: text(form, "file") }))
    )
    return
  }
  const typed = JSON.stringify(read(form, null))
  if (!allows(form, "submit", { content })) return
  const same = JSON.stringify(content)
  const body = Content.toBody(content, performance.now() - state.shownAt)
  state.pending?.stop()
  if (state.pending?.content !== same) {
    state.pending = { content: same, typed, body, key: Delivery.newKey(), endpoint, attempts: 0, stop: () => {} }
  }
  state.pending.attempts = 0
  void deliver(form, state, state.pending)
}
