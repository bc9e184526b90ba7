/**
 * How a person without a session opens the console: with a link by mail, or, if the service sends no mail, with a link that its
 * operator creates.
 *
 * @module
 */
import { useEffect, useState } from "preact/hooks"
import * as ConsolePage from "../../sites/access/ConsolePage.ts"
import { messageOf } from "../parts/FailureText.ts"
import { Message } from "../parts/Message.tsx"
import { Snippet } from "../parts/Snippet.tsx"
import { type Failure, send } from "../Requests.ts"
import * as Texts from "../Texts.ts"

/** The page that opens after the log-in: the one that is open, if the service can name it in a mail. */
const currentPage = (): string | undefined => (ConsolePage.isNameable(location.hash) ? location.hash : undefined)

/** Requests a link by mail. The answer is the same whether or not the address is known. */
export const LoginForm = () => {
  const [email, setEmail] = useState("")
  const [sentTo, setSentTo] = useState<string | null>(null)
  const [failure, setFailure] = useState<Failure | undefined>(undefined)
  const [isBusy, setBusy] = useState(false)
  const request = async (event: Event) => {
    event.preventDefault()
    setBusy(true)
    const page = currentPage()
    const outcome = await send("POST /v1/owner/login", {
      body: { email: email.trim(), ...(page !== undefined && { page }) }
    })
    setBusy(false)
    setFailure(outcome.ok ? undefined : outcome.failure)
    if (outcome.ok) setSentTo(email.trim())
  }
  return (
    <form class="form" onSubmit={request}>
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
      <button type="submit" class="button primary large" disabled={isBusy}>
        {sentTo === null ? Texts.login.send : Texts.login.sendAgain}
      </button>
      <div role="status">
        {failure !== undefined && <p class="bad">{messageOf(failure)}</p>}
        {failure === undefined && sentTo !== null && <p>{Texts.login.sent(sentTo)}</p>}
      </div>
    </form>
  )
}

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
