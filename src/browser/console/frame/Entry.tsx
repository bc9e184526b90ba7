/**
 * How a person opens a session: instructions for getting a link, and the page of a link. The link is used only when the person
 * presses the button, so that previews of links do not use it up.
 *
 * @module
 */
import { useState } from "preact/hooks"
import { Message } from "../parts/Message.tsx"
import { Snippet } from "../parts/Snippet.tsx"
import { type FailureKind, send } from "../Requests.ts"
import * as Texts from "../Texts.ts"

/** There is no session, and the address is not a link. */
export const SignedOut = () => (
  <Message title={Texts.signedOut.title}>
    <p>{Texts.signedOut.body}</p>
    <Snippet text={Texts.signedOut.command} />
    <p>{Texts.signedOut.after}</p>
  </Message>
)

/** The address is a link, with the secret that opens a session. */
export const Link = ({ secret }: { readonly secret: string }) => {
  const [isBusy, setBusy] = useState(false)
  const [failure, setFailure] = useState<FailureKind | null>(null)
  const open = async () => {
    setBusy(true)
    const outcome = await send("POST /v1/owner/session", { body: { secret } })
    setBusy(false)
    if (!outcome.ok) return setFailure(outcome.failure.kind)
    // The reload drops everything that an earlier session loaded.
    history.replaceState(null, "", location.pathname)
    location.reload()
  }
  const isSpent = failure === "signed-out" || failure === "not-found" || failure === "invalid"
  if (isSpent) {
    return (
      <Message title={Texts.link.spent}>
        <p>{Texts.link.spentBody}</p>
        <Snippet text={Texts.signedOut.command} />
      </Message>
    )
  }
  return (
    <Message title={Texts.link.title}>
      <p>{Texts.link.body}</p>
      <p>{Texts.link.ends}</p>
      <p>
        <button type="button" class="button primary large" disabled={isBusy} onClick={open}>
          {Texts.link.open}
        </button>
      </p>
      {failure !== null && (
        <p class="bad" role="alert">
          {Texts.failures[failure]}
        </p>
      )}
    </Message>
  )
}
