/**
 * Enhances a form and sends it. Attributes of the form:
 *
 * - `data-site`: the website_config_id. Without it, the browser posts the form to its `action`. A form that has neither
 *   `data-site` nor an `action` with the method `post` is not sent.
 * - `data-page`: the page's slug.
 * - `data-next`: the page to open after success, if the visitor is still waiting (`isAwaited`).
 * - `data-leads="off"`: links the submission to no visit.
 * - `data-style="off"`: turns off the default style.
 * - `data-text-*`: see `Texts`.
 *
 * Messages appear in the form's `[data-hydracore-status]` element, which is created if missing. The form's `data-state`, for
 * style sheets, is `sending`, `sent`, `invalid`, `waiting` or `failed`.
 *
 * The form dispatches these bubbling, cancelable events:
 *
 * - `hydracore:submit`, `detail: {content}`: before sending. Listeners can change the content. If canceled, nothing is sent.
 * - `hydracore:success`, `detail: {submission_id}`. If canceled, the form is not reset, shows no message and opens no page.
 * - `hydracore:error`, `detail: {reason}` and more: `faults` if `reason` is `invalid` or `file`; `seconds` if it is `limited`
 *   or `away`; `status` and `detail` if it is `refused`. If canceled, the form shows no message and does not retry.
 *
 * @module
 */
import type * as Faults from "../forms-faults.ts"
import * as Controls from "./Controls.ts"
import {
  attributeOf,
  controlState,
  controls,
  disableButtons,
  enableButtons,
  entriesOf,
  formMember,
  submitButtons
} from "./Controls.ts"
import * as Delivery from "./Delivery.ts"
import * as FormContent from "./FormContent.ts"
import { honeypot } from "./FormContent.ts"

/** Attributes that keep browsers and password managers (1Password, Bitwarden, LastPass, Dashlane) from filling the field in. */
const noAutofill = {
  autocomplete: "off",
  "data-1p-ignore": "",
  "data-bwignore": "",
  "data-lpignore": "true",
  "data-form-type": "other"
}

/**
 * Adds a hidden field to a form that only bots fill in. Its style is set by script: a strict Content-Security-Policy forbids `style`
 * attributes. If the website's own markup has the field, as the guide shows, sets its style, because a style sheet can override the
 * attribute `hidden`.
 */
export const addHoneypot = (form: HTMLFormElement): void => {
  const existing = formMember(form, "querySelector")<HTMLElement>(`[name="${honeypot}"]`)
  if (existing) {
    existing.style.setProperty("display", "none", "important")
    return
  }
  const input = document.createElement("input")
  input.type = "text"
  input.name = honeypot
  input.tabIndex = -1
  for (const [name, value] of Object.entries(noAutofill)) input.setAttribute(name, value)
  const box = document.createElement("div")
  box.setAttribute("aria-hidden", "true")
  // The field is clipped, because bots recognize `display: none`.
  box.style.cssText = "position:absolute;width:1px;height:1px;margin:-1px;overflow:hidden;clip-path:inset(50%)"
  box.append(input)
  formMember(form, "append")(box)
}

/** The file names of the other parts of the form enhancer, defined by the bundler. */
declare const FAULTS_FILE: string
declare const STYLE_FILE: string

const resolve = (file: string): string => new URL(file, import.meta.url).href

/** What `forms-faults.js` exports, once it is loaded. */
let faults: typeof Faults | undefined

/** Loads `forms-faults.js`. Returns undefined if that fails. */
const loadFaults = async (): Promise<typeof Faults | undefined> => {
  try {
    faults ??= (await import(resolve(FAULTS_FILE))) as typeof Faults
  } catch {
    // The edge may be unreachable. The callers do without the script.
  }
  return faults
}

let isStyled = false

/**
 * Adds the style sheet, once. A constructed style sheet is allowed by a strict Content-Security-Policy, and is not removed by
 * frameworks that replace the page's head. Browsers without constructed style sheets show the messages as plain text.
 */
const addStyle = async (): Promise<void> => {
  if (isStyled) return
  isStyled = true
  try {
    const sheet = new CSSStyleSheet()
    sheet.replaceSync(await (await fetch(resolve(STYLE_FILE))).text())
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet]
  } catch {
    // The form works without it.
  }
}

/**
 * Whether a form names neither a website nor an address to which the browser could post the form. If the browser sent such a
 * form, the visitor's input would get into a URL.
 */
const isAddressless = (form: HTMLFormElement): boolean =>
  !attributeOf(form, "data-site") && !(formMember(form, "method") === "post" && attributeOf(form, "action"))

const english = {
  sending: "Sending…",
  sent: "Thank you. Your message has arrived.",
  check: "Please check the marked fields.",
  away: "Your message may not have arrived yet. It is kept on this page and will be sent again automatically.",
  limited: "Too many messages were sent. Please try again in {seconds} seconds.",
  failed: "Your message could not be sent. Please try again later.",
  long: "Your message is too long. Please shorten it.",
  setup: "This form does not work. Please tell the owner of this website.",
  file: "Files cannot be sent with this form."
}

type TextName = keyof typeof english

/** Returns the form's own text with this name, or the English one, with its `{placeholders}` filled in. */
const text = (form: HTMLFormElement, name: TextName, values: Readonly<Record<string, unknown>> = {}): string =>
  (formMember(form, "getAttribute")(`data-text-${name}`) ?? english[name]).replace(
    /\{([a-z]+)\}/g,
    (whole, key: string) => String(values[key] ?? whole)
  )

/** A submission that the edge has not accepted yet. */
interface Pending {
  /** The content as JSON, without the display time. Equal content is the same submission. */
  readonly content: string
  /** The state of the controls when the visitor submitted the form, as JSON. */
  readonly typed: string
  readonly body: string
  readonly key: string
  readonly endpoint: string
  /** The attempts that have ended since the visitor last submitted the form. */
  attempts: number
  /** When the visitor last submitted the form. */
  submittedAt: number
  cancelRetry: () => void
}

interface State {
  status: HTMLElement
  shownAt: number
  isBusy: boolean
  pending: Pending | undefined
}

/** How long after submitting a form a visitor is assumed to wait for retries, in milliseconds. */
const attentionSpan = 10_000

/** The states of the forms that were enhanced; undefined if the enhancement failed. */
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

/** Logs in the browser's console, for the website's owner, why the form cannot be sent. */
const tellOwner = (form: HTMLFormElement, status?: number, detail?: string): void =>
  void loadFaults().then((faults) => faults?.tellOwner(form, status, detail))

/**
 * Enhances a form: adds the honeypot and the status element. Later calls add them again if a framework removed the status
 * element. Throws if the first call fails; later calls then return undefined.
 */
export const enhance = (form: HTMLFormElement): State | undefined => {
  const state = states.get(form)
  if (!states.has(form)) {
    states.set(form, undefined)
    // Frameworks that cache pages can restore a copy of a form in the sending state. This copy is not being sent.
    if (attributeOf(form, "data-state") === "sending") {
      enableButtons(form, submitButtons(form))
      formMember(form, "removeAttribute")("data-state")
      statusOf(form).textContent = ""
    }
    // Inside a turbo-frame, Turbo would handle the submit event before it reaches the document.
    if (formMember(form, "closest")("turbo-frame")) formMember(form, "setAttribute")("data-turbo", "false")
    addHoneypot(form)
    states.set(form, { status: statusOf(form), shownAt: performance.now(), isBusy: false, pending: undefined })
    if (isAddressless(form)) tellOwner(form)
    if (attributeOf(form, "data-style") !== "off") void addStyle()
  } else if (state && !formMember(form, "contains")(state.status)) {
    addHoneypot(form)
    state.status = statusOf(form)
  }
  Controls.rememberFields(controls(form))
  return states.get(form)
}

/** Dispatches an event. Returns whether no listener canceled it. */
const dispatch = (form: HTMLFormElement, name: "submit" | "success" | "error", detail: object): boolean =>
  formMember(form, "dispatchEvent")(new CustomEvent(`hydracore:${name}`, { bubbles: true, cancelable: true, detail }))

const showMessage = (form: HTMLFormElement, { status }: State, name: string, message: string): void => {
  formMember(form, "setAttribute")("data-state", name)
  status.textContent = message
}

const showText = (form: HTMLFormElement, state: State, name: string, key: TextName, values?: Record<string, unknown>) =>
  showMessage(form, state, name, text(form, key, values))

const read = (form: HTMLFormElement, submitter: HTMLElement | null) =>
  FormContent.fromEntries(entriesOf(form, submitter), {
    site: attributeOf(form, "data-site") ?? "",
    page: attributeOf(form, "data-page") ?? undefined
  })

const isUnchanged = (form: HTMLFormElement, { typed }: Pending): boolean => controlState(form) === typed

/**
 * Whether the visitor is still waiting for the result, so that the focus may be moved or another page opened. Visitors wait for
 * the result of the first attempt, however late, and of others within `attentionSpan`. They no longer wait once they have
 * changed the form or focused something outside it, or the form was removed from the page.
 */
const isAwaited = (form: HTMLFormElement, pending: Pending): boolean => {
  const focused = document.activeElement
  return (
    (pending.attempts === 1 || performance.now() - pending.submittedAt < attentionSpan) &&
    isUnchanged(form, pending) &&
    // The form can be inside the focused element, such as a dialog or the page's body.
    (focused?.contains(form) ||
      formMember(form, "contains")(focused) ||
      controls(form).some((control) => control === focused))
  )
}

const succeed = (form: HTMLFormElement, state: State, pending: Pending, submissionId: string | undefined): void => {
  state.pending = undefined
  const opensNext = isAwaited(form, pending)
  if (!dispatch(form, "success", { submission_id: submissionId })) return
  // Changes since the submission are kept.
  if (isUnchanged(form, pending)) {
    formMember(form, "reset")()
    Controls.resetReact(controls(form))
  }
  state.shownAt = performance.now()
  showText(form, state, "sent", "sent")
  const next = attributeOf(form, "data-next")
  if (next !== null && opensNext) {
    const page = new URL(next, document.baseURI)
    if (/^https?:$/.test(page.protocol)) location.assign(page)
  }
}

/** The messages that are more specific than `failed`, by the status of the response. */
const refusalTexts: Readonly<Record<number, TextName>> = { 403: "setup", 404: "setup", 413: "long" }

const reject = async (
  form: HTMLFormElement,
  state: State,
  reason: "invalid" | "file",
  errors: ReadonlyArray<Delivery.FieldError>,
  isAwaited: () => boolean
): Promise<void> => {
  if (!dispatch(form, "error", { reason, faults: errors })) return
  // The visitor cannot correct an error without a field.
  const ofForm = errors.find(({ field }) => field === undefined)
  if (ofForm) {
    tellOwner(form, 422, ofForm.message)
    showText(form, state, "failed", "setup")
    return
  }
  const faults = await loadFaults()
  // The visitor has sent the form again meanwhile.
  if (state.isBusy) return
  const rest = faults ? faults.show(form, errors, isAwaited()) : errors
  const check = rest.length < errors.length || errors.length === 0 ? [text(form, "check")] : []
  showMessage(form, state, "invalid", [...check, ...rest.map(({ field, message }) => `${field}: ${message}`)].join(" "))
}

const deliver = async (form: HTMLFormElement, state: State, pending: Pending): Promise<void> => {
  if (state.isBusy) return
  state.isBusy = true
  const restoreButtons = disableButtons(form)
  if (pending.attempts === 0) showText(form, state, "sending", "sending")
  const outcome = await Delivery.send(pending.endpoint, pending.body, {
    "idempotency-key": pending.key,
    ...(attributeOf(form, "data-leads") === "off" && { "x-hydracore-leads": "off" })
  })
  pending.attempts++
  state.isBusy = false
  restoreButtons()
  switch (outcome._tag) {
    case "Sent":
      return succeed(form, state, pending, outcome.submissionId)
    case "Invalid":
      state.pending = undefined
      return void reject(form, state, "invalid", outcome.errors, () => isAwaited(form, pending))
    case "Limited":
      if (dispatch(form, "error", { reason: "limited", seconds: outcome.seconds })) {
        showText(form, state, "failed", "limited", { seconds: outcome.seconds })
      }
      return
    case "Refused":
      if (dispatch(form, "error", { reason: "refused", status: outcome.status, detail: outcome.detail })) {
        if (refusalTexts[outcome.status] === "setup") tellOwner(form, outcome.status, outcome.detail)
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

/** Whether submitting a form with a button sends it to the edge, not to the button's `formaction` or to a dialog. */
const isForEdge = (form: HTMLFormElement, submitter: HTMLElement | null): boolean => {
  const method = submitter?.getAttribute("formmethod") ?? attributeOf(form, "method")
  return !submitter?.hasAttribute("formaction") && method?.toLowerCase() !== "dialog"
}

/** Handles a form's submit event. */
export const submit = (form: HTMLFormElement, event: SubmitEvent, endpoint: string): void => {
  const addressless = isAddressless(form)
  if (!(attributeOf(form, "data-site") || addressless) || !isForEdge(form, event.submitter)) return
  // Before `enhance`, which can fail: the browser must not send this form in any case.
  if (addressless) event.preventDefault()
  const state = enhance(form)
  if (state === undefined) return
  event.preventDefault()
  if (addressless) {
    showText(form, state, "failed", "setup")
    return
  }
  if (state.isBusy) return
  faults?.clear(form)
  const content = read(form, event.submitter)
  if (!("form_data" in content)) {
    void reject(
      form,
      state,
      "file",
      content.map((field) => ({ field, message: text(form, "file") })),
      () => true
    )
    return
  }
  if (!dispatch(form, "submit", { content })) return
  const typed = controlState(form)
  const contentJson = JSON.stringify(content)
  const body = FormContent.toBody(content, performance.now() - state.shownAt)
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
