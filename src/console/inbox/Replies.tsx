/**
 * The replies to a submission, and the form of a new one. A reply that is not sent yet is kept while the page is open.
 *
 * @module
 */
import { useEffect, useRef, useState } from "preact/hooks"
import { reloadData } from "../Connection.ts"
import * as Format from "../Format.ts"
import type { Site } from "../frame/Bar.tsx"
import { useChange } from "../parts/Change.ts"
import { faultOf, messageOf } from "../parts/FailureText.ts"
import { Alert } from "../parts/Message.tsx"
import type { Answer } from "../Requests.ts"
import { TextField } from "../setup/Fields.tsx"
import * as Texts from "../Texts.ts"

const path = "/v1/owner/sites/:site_id/submissions/:submission_id/replies"

export type Replies = Answer<`GET ${typeof path}`>

/** The texts that are typed and not sent, by submission. */
const drafts = new Map<string, string>()

export const hasDraft = (submissionId: string): boolean => (drafts.get(submissionId) ?? "") !== ""

const addressKey = "hydracore reply-to"

/** The address that this browser used last; empty if there is none. */
const lastAddress = (): string => {
  try {
    return localStorage.getItem(addressKey) ?? ""
  } catch {
    return ""
  }
}

const keepAddress = (address: string): void => {
  try {
    localStorage.setItem(addressKey, address)
  } catch {
    // The browser denies storage: the next reply asks again.
  }
}

const Sent = ({ reply, site }: { readonly reply: Replies["replies"][number]; readonly site: Site }) => (
  <li>
    <p class="who">
      <b>
        <bdi>{reply.subject === null ? (reply.author ?? reply.reply_to) : Texts.inbox.replies.automatic}</bdi>
      </b>
      <time dateTime={reply.created_at}>{Format.moment(reply.created_at, site.time_zone)}</time>
      <span class={`status status-${reply.status}`}>{Texts.inbox.deliveryStatuses[reply.status]}</span>
    </p>
    <p class="words">
      <bdi>{reply.text}</bdi>
    </p>
    {reply.error !== null && <p class="bad">{reply.error}</p>}
  </li>
)

interface FormProps {
  readonly site: Site
  readonly submissionId: string
  readonly to: string
  /** The person's own address; null if the form asks for one. */
  readonly replyTo: string | null
  readonly onClose: () => void
}

const Form = ({ onClose, replyTo, site, submissionId, to }: FormProps) => {
  const form = useRef<HTMLFormElement>(null)
  const [text, setText] = useState(drafts.get(submissionId) ?? "")
  const [address, setAddress] = useState(lastAddress)
  const { failure, isBusy, run } = useChange(`POST ${path}`)
  useEffect(() => form.current?.querySelector("textarea")?.focus(), [])

  const close = () => {
    drafts.delete(submissionId)
    onClose()
  }
  const submit = () =>
    run(
      {
        params: { site_id: site.site_id, submission_id: submissionId },
        body: { text, ...(replyTo === null && { reply_to: address }) }
      },
      () => {
        if (replyTo === null) keepAddress(address)
        close()
      }
    )
  return (
    <form
      ref={form}
      class="form reply-form"
      onSubmit={(event) => {
        event.preventDefault()
        submit()
      }}
    >
      <TextField
        label={Texts.inbox.replies.to(to)}
        rows={6}
        value={text}
        fault={faultOf(failure, "text")}
        onInput={(typed) => {
          drafts.set(submissionId, typed)
          setText(typed)
        }}
      />
      {replyTo === null ? (
        <TextField
          label={Texts.inbox.replies.address}
          hint={Texts.inbox.replies.addressHint}
          type="email"
          value={address}
          fault={faultOf(failure, "reply_to")}
          onInput={setAddress}
        />
      ) : (
        <p class="muted">{Texts.inbox.replies.answersTo(replyTo)}</p>
      )}
      <Alert text={messageOf(failure, ["text", "reply_to"])} />
      <div class="dialog-actions">
        <button type="button" class="button" onClick={close}>
          {Texts.inbox.cancel}
        </button>
        <button type="submit" class="button primary" disabled={text.trim() === ""} aria-disabled={isBusy}>
          {Texts.inbox.replies.send}
        </button>
      </div>
    </form>
  )
}

interface Props {
  readonly site: Site
  readonly submissionId: string
  readonly value: Replies
  readonly isReplying: boolean
  readonly onClose: () => void
}

/** How often the page asks for the state of a reply that is on its way. A mail is usually sent within two seconds. */
const maxLooks = 15

const lookMillis = 2000

export const ReplyList = ({ isReplying, onClose, site, submissionId, value }: Props) => {
  const looks = useRef(0)
  useEffect(() => {
    if (looks.current === maxLooks || !value.replies.some(({ status }) => status === "pending")) return
    const timer = setTimeout(() => {
      looks.current += 1
      reloadData()
    }, lookMillis)
    return () => clearTimeout(timer)
  }, [value])
  return value.replies.length === 0 && !isReplying ? null : (
    <section class="visit">
      <h3>{Texts.inbox.replies.title}</h3>
      <ol class="replies">
        {value.replies.map((reply) => (
          <Sent key={reply.reply_id} reply={reply} site={site} />
        ))}
      </ol>
      {isReplying && value.to !== null && (
        <Form site={site} submissionId={submissionId} to={value.to} replyTo={value.reply_to} onClose={onClose} />
      )}
    </section>
  )
}
