/**
 * Offers the visitor to leave an address, and sends it as a submission of the website. A failed attempt keeps what was typed, and the
 * next one has the same key, so that the edge stores it once.
 *
 * @module
 */
import * as Client from "./Client.ts"
import type { Conversation, Message } from "./ConversationStore.ts"
import { make } from "./Dom.ts"
import { isRetryable } from "./Failures.ts"
import type { Speech } from "./Speech.ts"
import type { Strings } from "./Strings.ts"
import { fill } from "./Texts.ts"

export interface Options {
  /** Read each time a text is shown. */
  readonly strings: Strings
  readonly speech: Speech
  /** Undefined if the element's attributes are invalid. */
  readonly endpoint: () => Client.Endpoint | undefined
  readonly conversation: () => Conversation
  /** The form was opened or closed. */
  readonly onToggle: (isOpen: boolean) => void
}

export interface Contact {
  readonly element: HTMLElement
  /** Shows or hides the offer, after the panel was opened or the messages have changed. */
  readonly update: () => void
  readonly relabel: () => void
}

/** Whether the visitor did not get an answer, and can send a submission. Pure. */
export const isUnanswered = (last: Message | undefined): boolean =>
  last?.role === "agent" &&
  (typeof last.ended === "object"
    ? isRetryable(last.ended) && last.ended.kind !== "offline"
    : !last.ended && !last.text)

export const makeContact = ({ conversation, endpoint, onToggle, speech, strings }: Options): Contact => {
  let known: Client.ContactOffer | undefined
  /** The last content that was sent, and its key. */
  let sent = ["", ""]
  /** The last message when the address was sent; null before. */
  let answered: Message | undefined | null = null
  const offer = make("button", { part: "retry contact", type: "button" })
  const email = make("input", { type: "email", required: "", autocomplete: "email", maxlength: "254" })
  const text = make("textarea", { maxlength: "8000", dir: "auto" })
  const labels = [make("label", {}, "", email), make("label", {}, "", text)]
  const note = make("p", { part: "note" })
  const send = make("button", { part: "retry" })
  const cancel = make("button", { part: "retry", type: "button" })
  const form = make("form", { part: "contact-form" }, ...labels, make("div", {}, send, cancel))
  /** The note explains a failure, or thanks for the address. */
  const element = make("div", { class: "contact-box" }, offer, note)

  const last = (): Message | undefined => conversation().messages.at(-1)

  /** Shows the form, the offer, the thanks or nothing. */
  const show = (isOpen = false): void => {
    form.remove()
    if (isOpen) note.before(form)
    offer.hidden =
      isOpen || answered !== null || (known?.offer !== "always" && (known?.offer !== "failed" || !isUnanswered(last())))
    element.hidden = !isOpen && answered === null && offer.hidden
  }

  const open = (isOpen: boolean): void => {
    if (answered === null) note.textContent = ""
    show(isOpen)
    onToggle(isOpen)
  }

  offer.onclick = () => {
    text.value = conversation().messages.findLast(({ role }) => role === "user")?.text ?? ""
    open(true)
    email.focus()
  }
  cancel.onclick = () => open(false)
  form.onsubmit = async (event) => {
    event.preventDefault()
    const to = endpoint()
    if (!to || !known?.site_id || send.ariaDisabled) return
    const { id } = conversation()
    const [address, message] = [email.value.trim(), text.value.trim()]
    if (sent[0] !== address + message) sent = [address + message, Client.newKey()]
    // A `disabled` button would lose the focus.
    send.ariaDisabled = "true"
    const outcome = await Client.leaveAddress(to, sent[1]!, {
      site_id: known.site_id,
      email: address,
      page_slug: "chat",
      form_data: {
        message,
        ...(id && { hydracore_conversation: `${Client.instanceOf(to)} ${id}` }),
        ...(!to.allowsLead && { hydracore_leads: "off" })
      }
    })
    send.ariaDisabled = null
    note.textContent = fill(strings[outcome], { email: address })
    speech.say(note.textContent)
    if (outcome === "contacted") {
      answered = last()
      open(false)
    }
  }

  const relabel = (): void => {
    offer.textContent = strings.contact
    labels[0]!.firstChild!.textContent = strings.contactEmail
    labels[1]!.firstChild!.textContent = strings.message
    send.textContent = strings.send
    cancel.textContent = strings.contactCancel
  }
  relabel()
  show()

  return {
    element,
    relabel,
    update: () => {
      if (last() !== answered && answered !== null) {
        answered = null
        note.textContent = ""
      }
      if (!form.parentNode) show()
      const to = endpoint()
      if (known || !to) return
      // Until the answer arrives, nothing is offered, and no second request is sent.
      known = { offer: "off", site_id: null }
      Client.contactOffer(to).then((answer) => {
        known = answer
        if (!form.parentNode) show()
      })
    }
  }
}
