/**
 * A submission with everything that was sent. The input of visitors is only rendered as text.
 *
 * @module
 */
import { useEffect, useState } from "preact/hooks"
import * as Sources from "../../analytics/reports/Sources.ts"
import * as FormSender from "../../forms/FormSender.ts"
import * as Format from "../Format.ts"
import type { Site } from "../frame/Bar.tsx"
import { go, linkTo } from "../Location.ts"
import { Icon } from "../parts/Icon.tsx"
import { Problem } from "../parts/Message.tsx"
import type { Answer } from "../Requests.ts"
import { useAnswer } from "../Resource.ts"
import * as Texts from "../Texts.ts"
import type { Changes } from "./Changes.ts"
import * as FieldValue from "./FieldValue.ts"
import { nameOf } from "./List.tsx"
import { hasDraft, ReplyList } from "./Replies.tsx"

type Deliveries = Answer<"GET /v1/owner/sites/:site_id/submissions/:submission_id/deliveries">

/** The deliveries to webhooks and the mails as one list, oldest first. */
const linesOf = ({ mails, webhooks }: Deliveries) =>
  [
    ...webhooks.map(({ created_at, host, status, type }) => ({
      to: host ?? Texts.inbox.operatorsWebhook,
      event: Texts.eventName(type),
      status,
      created_at,
      error: null
    })),
    ...mails.map((mail) => ({ ...mail, event: null }))
  ].sort((left, right) => (left.created_at < right.created_at ? -1 : 1))

/** Not that of a digest tomorrow, a retry in an hour, or a webhook that is disabled. */
const isNow = (time: string): boolean => Math.abs(Date.now() - Date.parse(time)) < 120_000

/** Whether something is sent at this moment. */
const isBeingSent = ({ mails, webhooks }: Deliveries): boolean =>
  webhooks.some(({ next_attempt_at: next }) => next !== null && isNow(next)) ||
  mails.some(({ created_at, status }) => (status === "waiting" || status === "pending") && isNow(created_at))

/** In milliseconds; a process that delivers may notice a new submission only after ten seconds. */
const untilFirstDeliveries = 20_000

/** Whether a submission is so new that its deliveries may begin in a moment. */
const isNew = (receivedAt: string): boolean => Math.abs(Date.now() - Date.parse(receivedAt)) < untilFirstDeliveries

interface DeliveryListProps {
  readonly site: Site
  readonly submissionId: string
  readonly receivedAt: string
}

const DeliveryList = ({ receivedAt, site, submissionId }: DeliveryListProps) => {
  const { failure, value } = useAnswer(
    "GET /v1/owner/sites/:site_id/submissions/:submission_id/deliveries",
    { params: { site_id: site.site_id, submission_id: submissionId } },
    submissionId,
    (deliveries) => isBeingSent(deliveries) || isNew(receivedAt)
  )
  if (value === undefined) return failure === undefined ? null : <Problem failure={failure} gone={Texts.inbox.gone} />
  const lines = linesOf(value)
  if (lines.length === 0) return null
  return (
    <section class="visit">
      <h3>{Texts.inbox.deliveries}</h3>
      <ul class="delivered">
        {lines.map(({ created_at, error, event, status, to }, index) => (
          <li key={index}>
            <span class="to">
              <bdi>{to}</bdi>
              {event !== null && <span class="muted">{event}</span>}
            </span>
            <span class={`status status-${status}`}>{Texts.inbox.deliveryStatuses[status]}</span>
            <time class="muted" dateTime={created_at}>
              {Format.arrival(created_at, { now: Date.now(), timeZone: site.time_zone })}
            </time>
            {error !== null && <p class="bad">{error}</p>}
          </li>
        ))}
      </ul>
    </section>
  )
}

type Submission = Answer<"GET /v1/owner/sites/:site_id/submissions/:submission_id">

type Field = Submission["fields"][number]

/** Whether a field repeats the title or the address below it. */
const isRepeated = ({ email, name: sender }: Submission, { name, type, value }: Field): boolean =>
  value === email || (type === "text" && FormSender.isName(name) && (sender?.includes(value.trim()) ?? false))

/** The longest value that stands beside another one. */
const maxBeside = 60

/** What was sent: the message, then the other fields in two columns. */
const Fields = ({ submission }: { readonly submission: Submission }) => {
  const shown = submission.fields.filter((field) => !isRepeated(submission, field))
  const isMessage = ({ name, type }: Field) => type === "text" && FormSender.isMessage(name)
  const ordered = [...shown.filter(isMessage), ...shown.filter((field) => !isMessage(field))]
  return (
    <dl class="fields">
      {ordered.map((field, index) => {
        const { isCode, text } = FieldValue.of(field)
        const isWide = isCode || text.length > maxBeside || text.includes("\n")
        return (
          <div key={index} class={isMessage(field) ? "said" : isWide ? "wide" : undefined}>
            <dt title={field.name}>{Format.label(field.name)}</dt>
            <dd class={isCode ? "json" : undefined}>
              <bdi>{text}</bdi>
            </dd>
          </div>
        )
      })}
    </dl>
  )
}

const attributions = ["source", "medium", "campaign", "referrer", "entry_page"] as const

const Visit = ({ submission }: { readonly submission: Submission }) => {
  const known = attributions.flatMap((name) => {
    const value = submission[name]
    return value === null ? [] : [[name, name === "source" ? Sources.nameOf(value) : value] as const]
  })
  return (
    <section class="visit">
      <h3>{Texts.inbox.visit}</h3>
      {known.length === 0 ? (
        <p class="muted">{Texts.inbox.noVisit}</p>
      ) : (
        <dl>
          {known.map(([name, value]) => (
            <div key={name}>
              <dt>{Texts.inbox.attribution[name]}</dt>
              <dd>
                <bdi>{value}</bdi>
              </dd>
            </div>
          ))}
        </dl>
      )}
    </section>
  )
}

const Reasons = ({
  isMember,
  reasons,
  status
}: Pick<Submission, "reasons" | "status"> & { readonly isMember: boolean }) =>
  reasons.length === 0 ? null : (
    <section class="reasons">
      <p>{status === "quarantined" ? Texts.inbox.suspicious(isMember) : Texts.inbox.signs}</p>
      <ul>
        {reasons.map((reason) => (
          <li key={reason}>{Texts.inbox.reasons[reason] ?? reason}</li>
        ))}
      </ul>
    </section>
  )

/** As `Submission.restorableMillis`. */
const restorableMillis = 30 * 86_400_000

interface Props {
  readonly site: Site
  readonly submissionId: string
  /** Whether a person chose the submission, also by replying. This marks it as read. */
  readonly isChosen: boolean
  readonly changes: Changes
  /** Whether the person may change anything. */
  readonly isMember: boolean
  readonly onSpam: (submissionId: string) => void
  readonly onRemove: (submissionId: string) => void
}

export const Details = ({ changes, isChosen, isMember, onRemove, onSpam, site, submissionId }: Props) => {
  const { failure, value } = useAnswer(
    "GET /v1/owner/sites/:site_id/submissions/:submission_id",
    { params: { site_id: site.site_id, submission_id: submissionId } },
    submissionId
  )
  const { value: replies } = useAnswer(
    "GET /v1/owner/sites/:site_id/submissions/:submission_id/replies",
    { params: { site_id: site.site_id, submission_id: submissionId } },
    submissionId
  )
  const [isReplying, setReplying] = useState(hasDraft(submissionId))
  const isRead = changes.of(submissionId).isRead ?? value?.read
  useEffect(() => {
    // As read, it may leave the list, and another submission would be the first.
    if (isReplying && !isChosen) go({ item: submissionId }, { replace: true })
  }, [isReplying])
  useEffect(() => {
    if (isMember && isChosen && value !== undefined && value.deleted_at === null && !value.read)
      changes.mark([submissionId], true)
    // Once for each submission, because a person may mark the submission as unread again.
  }, [submissionId, isChosen, value === undefined])

  const back = (
    <a class="button bare back" href={linkTo({ item: null })}>
      <Icon name="back" />
      {Texts.inbox.back}
    </a>
  )
  if (value === undefined) {
    return (
      <article class="details" aria-busy={failure === undefined}>
        {back}
        {failure === undefined ? <div class="loading" /> : <Problem failure={failure} gone={Texts.inbox.gone} />}
      </article>
    )
  }
  const { conversation, deleted_at, email, name, page_slug, received_at, status } = value
  const isReleased = status === "accepted" || changes.of(submissionId).isReleased === true
  const canReply = isMember && deleted_at === null && isReleased && replies?.can_send === true && replies.to !== null
  return (
    <article class="details">
      {back}
      <header>
        <h2>
          <bdi>{nameOf(value)}</bdi>
        </h2>
        <p class="muted facts">
          {name !== null && email !== null && <bdi>{email}</bdi>}
          <time dateTime={received_at}>{Format.moment(received_at, site.time_zone)}</time>
          {page_slug !== null && <span class="tag">{page_slug}</span>}
        </p>
        <div class="actions">
          {canReply && (
            <button
              type="button"
              class={`button ${isReplying ? "" : "primary"}`}
              aria-expanded={isReplying}
              onClick={() => setReplying(!isReplying)}
            >
              <Icon name="mail" />
              {Texts.inbox.actions.reply}
            </button>
          )}
          {email !== null && deleted_at === null && replies !== undefined && !canReply && (
            <a class={`button ${isReleased ? "primary" : ""}`} href={`mailto:${encodeURIComponent(email)}`}>
              <Icon name="mail" />
              {Texts.inbox.actions.reply}
            </a>
          )}
          {isMember && deleted_at !== null && (
            <>
              <button type="button" class="button" onClick={() => changes.restore([submissionId])}>
                <Icon name="check" />
                {Texts.inbox.actions.restore}
              </button>
              <button type="button" class="button" onClick={() => onRemove(submissionId)}>
                <Icon name="trash" />
                {Texts.inbox.actions.purge}
              </button>
            </>
          )}
          {isMember && deleted_at === null && (
            <>
              {status === "quarantined" ? (
                <button type="button" class="button" onClick={() => changes.release([submissionId])}>
                  <Icon name="check" />
                  {Texts.inbox.actions.release}
                </button>
              ) : (
                <button type="button" class="button" onClick={() => onSpam(submissionId)}>
                  <Icon name="spam" />
                  {Texts.inbox.actions.spam}
                </button>
              )}
              <button
                type="button"
                class="button"
                aria-keyshortcuts="e"
                onClick={() => changes.mark([submissionId], isRead !== true)}
              >
                <Icon name={isRead === true ? "unread" : "check"} />
                {isRead === true ? Texts.inbox.actions.unread : Texts.inbox.actions.read}
              </button>
              <button type="button" class="button" onClick={() => onRemove(submissionId)}>
                <Icon name="trash" />
                {Texts.inbox.actions.delete}
              </button>
            </>
          )}
        </div>
      </header>
      {deleted_at !== null && (
        <p class="reasons">
          {Texts.inbox.deletedUntil(
            Format.moment(new Date(Date.parse(deleted_at) + restorableMillis).toISOString(), site.time_zone)
          )}
        </p>
      )}
      <Reasons reasons={value.reasons} status={value.status} isMember={isMember && deleted_at === null} />
      <Fields submission={value} />
      {conversation !== null && (
        <p class="written">
          {Texts.inbox.conversation}{" "}
          <a
            href={linkTo({
              page: "conversations",
              item: conversation.conversation_id,
              view: { instance: conversation.instance_id }
            })}
          >
            {Texts.inbox.openConversation}
          </a>
        </p>
      )}
      {replies !== undefined && (
        <ReplyList
          site={site}
          submissionId={submissionId}
          value={replies}
          isReplying={canReply && isReplying}
          onClose={() => setReplying(false)}
        />
      )}
      <Visit submission={value} />
      <DeliveryList site={site} submissionId={submissionId} receivedAt={received_at} />
    </article>
  )
}
