/**
 * How a person without a session opens the console: with a link by mail, or, if the service sends no mail, with a link that its
 * operator creates. And how a session without a person gets one.
 *
 * @module
 */
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks"
import * as ConsolePage from "../../sites/access/ConsolePage.ts"
import { resume } from "../Connection.ts"
import { messageOf } from "../parts/FailureText.ts"
import { Message } from "../parts/Message.tsx"
import { Snippet } from "../parts/Snippet.tsx"
import { type Failure, type FailureKind, type Outcome, send } from "../Requests.ts"
import * as Texts from "../Texts.ts"

interface FormProps<A> {
  readonly isNamed: boolean
  /** The text of the button. `isSent`: whether a mail was sent before. */
  readonly submit: (isSent: boolean) => string
  readonly request: (person: { readonly name: string; readonly email: string }) => Promise<Outcome<A>>
  /** What to say after a request that succeeded; null for nothing. */
  readonly onDone: (answer: A, email: string) => string | null
}

/** Asks for an address, and with `isNamed` for a name. */
function PersonForm<A>({ isNamed, onDone, request, submit }: FormProps<A>) {
  const [name, setName] = useState("")
  const [email, setEmail] = useState("")
  const [sent, setSent] = useState<string | null>(null)
  const [failure, setFailure] = useState<Failure | undefined>(undefined)
  const [isBusy, setBusy] = useState(false)
  const onSubmit = async (event: Event) => {
    event.preventDefault()
    if (isBusy) return
    setBusy(true)
    const person = { name: name.trim(), email: email.trim() }
    const outcome = await request(person)
    setBusy(false)
    setFailure(outcome.ok ? undefined : outcome.failure)
    if (outcome.ok) setSent(onDone(outcome.value, person.email))
  }
  return (
    <form class="form" onSubmit={onSubmit}>
      {isNamed && (
        <label class="field">
          {Texts.person.name}
          <input
            type="text"
            required
            maxLength={200}
            autocomplete="name"
            value={name}
            onInput={({ currentTarget }) => setName(currentTarget.value)}
          />
        </label>
      )}
      <label class="field">
        {Texts.login.email}
        <input
          type="email"
          name="email"
          required
          maxLength={254}
          autocomplete="email"
          value={email}
          onInput={({ currentTarget }) => setEmail(currentTarget.value)}
        />
      </label>
      <button type="submit" class="button primary large" aria-disabled={isBusy}>
        {submit(sent !== null)}
      </button>
      <div role="status">
        {failure !== undefined && <p class="bad">{messageOf(failure)}</p>}
        {failure === undefined && sent !== null && <p>{sent}</p>}
      </div>
    </form>
  )
}

/** The page that opens after the log-in: the one that is open, if the service can name it in a mail. */
const currentPage = (): string | undefined => (ConsolePage.isNameable(location.hash) ? location.hash : undefined)

/** Requests a link by mail. The answer is the same whether or not the address is known. */
const LoginForm = () => (
  <PersonForm
    isNamed={false}
    submit={(isSent) => (isSent ? Texts.login.sendAgain : Texts.login.send)}
    request={({ email }) => {
      const page = currentPage()
      return send("POST /v1/owner/login", { body: { email, ...(page !== undefined && { page }) } })
    }}
    onDone={(_, email) => Texts.login.sent(email)}
  />
)

interface WhoAreYouProps {
  /** Called when there is a person, without a mail. */
  readonly onNamed: () => void
  /** Called when a mail with a link was sent: the session has no person until that is opened. */
  readonly onMailed?: () => void
}

/** Asks a session without a person for a name and an address, with which the person logs in from then on. */
export const WhoAreYou = ({ onMailed, onNamed }: WhoAreYouProps) => (
  <PersonForm
    isNamed
    submit={() => Texts.person.save}
    request={(body) => send("PUT /v1/owner/session/person", { body })}
    onDone={({ mailed }, email) => {
      if (mailed) onMailed?.()
      else onNamed()
      return mailed ? Texts.person.mailed(email) : null
    }}
  />
)

/** The form, or how to get a link without mail. */
export const LoginSteps = () => {
  const [canMail, setCanMail] = useState<boolean | null>(null)
  useEffect(() => {
    // Not `useAnswer`: its success would count as a session.
    send("GET /v1/owner/login", {}).then((outcome) => setCanMail(outcome.ok && outcome.value.can_mail))
  }, [])
  if (canMail === null) return null
  return canMail ? (
    <>
      <p>{Texts.login.body}</p>
      <LoginForm />
    </>
  ) : (
    <>
      <p>{Texts.login.withoutMail}</p>
      <Snippet text={Texts.signedOut.command} />
      <p>{Texts.signedOut.after}</p>
    </>
  )
}

/** There is no session, and the address is not a link. */
export const SignedOut = () => (
  <Message title={Texts.login.title}>
    <LoginSteps />
  </Message>
)

/** The session has ended. Covers the page without discarding it, so that the page continues with a new session. */
export const Ended = () => {
  const dialog = useRef<HTMLDialogElement>(null)
  const [failure, setFailure] = useState<FailureKind>()
  // A modal dialog, because a modal dialog of the page may be open and would cover any other element.
  useLayoutEffect(() => {
    const focused = document.activeElement
    dialog.current?.showModal()
    return () => {
      if (focused instanceof HTMLElement) focused.focus()
    }
  }, [])
  return (
    <dialog
      ref={dialog}
      class="ended"
      aria-labelledby="ended"
      closedby="none"
      onCancel={(event) => event.preventDefault()}
    >
      <section class="message">
        <h1 id="ended" tabIndex={-1} autofocus>
          {Texts.ended.title}
        </h1>
        <p>{Texts.ended.why}</p>
        <LoginSteps />
        <p>{Texts.ended.kept}</p>
        <p class="save">
          <button
            type="button"
            class="button primary large"
            onClick={async () => {
              setFailure(undefined)
              setFailure(await resume())
            }}
          >
            {Texts.ended.resume}
          </button>
          <span class="bad" role="status">
            {failure === undefined ? "" : failure === "signed-out" ? Texts.ended.still : Texts.failures[failure]}
          </span>
        </p>
      </section>
    </dialog>
  )
}
