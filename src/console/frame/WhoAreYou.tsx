/**
 * Asks a session without a person for a name and an address, with which the person logs in from then on.
 *
 * @module
 */
import { useState } from "preact/hooks"
import { messageOf } from "../parts/FailureText.ts"
import { type Failure, send } from "../Requests.ts"
import * as Texts from "../Texts.ts"

interface Props {
  /** Called when there is a person, without a mail. */
  readonly onNamed: () => void
  /** Called when a mail with a link was sent: the session has no person until that is opened. */
  readonly onMailed?: () => void
}

export const WhoAreYou = ({ onMailed, onNamed }: Props) => {
  const [name, setName] = useState("")
  const [email, setEmail] = useState("")
  const [mailedTo, setMailedTo] = useState<string | null>(null)
  const [failure, setFailure] = useState<Failure | undefined>(undefined)
  const [isBusy, setBusy] = useState(false)
  const save = async (event: Event) => {
    event.preventDefault()
    setBusy(true)
    const body = { name: name.trim(), email: email.trim() }
    const outcome = await send("PUT /v1/owner/session/person", { body })
    setBusy(false)
    setFailure(outcome.ok ? undefined : outcome.failure)
    if (!outcome.ok) return
    if (!outcome.value.mailed) return onNamed()
    setMailedTo(body.email)
    onMailed?.()
  }
  return (
    <form class="form" onSubmit={save}>
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
      <label class="field">
        {Texts.login.email}
        <input
          type="email"
          required
          maxLength={254}
          autocomplete="email"
          value={email}
          onInput={({ currentTarget }) => setEmail(currentTarget.value)}
        />
      </label>
      <button type="submit" class="button primary large" disabled={isBusy}>
        {Texts.person.save}
      </button>
      <div role="status">
        {failure !== undefined && <p class="bad">{messageOf(failure)}</p>}
        {failure === undefined && mailedTo !== null && <p>{Texts.person.mailed(mailedTo)}</p>}
      </div>
    </form>
  )
}
