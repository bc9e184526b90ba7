/**
 * A conversation as the visitor saw it.
 *
 * @module
 */
import { useEffect } from "preact/hooks"
import { nameOf as sourceName } from "../../analytics/reports/Sources.ts"
import { reloadData } from "../Connection.ts"
import * as Format from "../Format.ts"
import type { Site } from "../frame/Bar.tsx"
import { go, linkTo } from "../Location.ts"
import { Icon } from "../parts/Icon.tsx"
import { Problem } from "../parts/Message.tsx"
import { type Answer, send } from "../Requests.ts"
import { useAnswer } from "../Resource.ts"
import * as Texts from "../Texts.ts"
import { foreignHref } from "./ForeignLink.ts"
import { Markdown } from "./Markdown.tsx"
import { isUnanswered } from "./Unanswered.ts"

type Conversation = Answer<"GET /v1/owner/sites/:site_id/instances/:instance_id/conversations/:conversation_id">
type Message = Conversation["messages"][number]

/** The text of a message. Each of its text parts is a paragraph. */
const textOf = ({ parts }: Message): string =>
  parts.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("\n\n")

const Sources = ({ parts }: Message) => {
  const sources = parts.flatMap((part) => (part.type === "source-url" ? [part] : []))
  if (sources.length === 0) return null
  return (
    <p class="cited">
      <span class="muted">{Texts.conversations.sources}</span>{" "}
      {sources.map(({ title, url }, index) => {
        const href = foreignHref(url, location.origin)
        return (
          <span key={index}>
            {index > 0 && ", "}
            {href === undefined ? (
              (title ?? url)
            ) : (
              <a href={href} target="_blank" rel="noopener noreferrer">
                {title ?? url}
              </a>
            )}
          </span>
        )
      })}
    </p>
  )
}

const endedNormally = ({ ending }: Message): boolean => ending === "stop" || ending === "length" || ending === undefined

interface MessageProps {
  readonly message: Message
  /** The time that is shown above the message. */
  readonly before: string
  readonly timeZone: string
}

const TranscriptMessage = ({ before, message, timeZone }: MessageProps) => {
  const { comment, created_at, ending, rating, role } = message
  const text = textOf(message)
  return (
    <li class={`said said-${role}`}>
      <p class="who">
        <b>{Texts.conversations.roles[role]}</b>
        <time dateTime={created_at}>{Format.following(created_at, before, timeZone)}</time>
      </p>
      {role === "user" ? <p class="words">{text}</p> : text !== "" && <Markdown text={text} />}
      <Sources {...message} />
      {role === "assistant" && !(endedNormally(message) && text !== "") && (
        <p class={`broken ${ending === "stopped" || ending === "superseded" ? "chosen" : ""}`}>
          {Texts.conversations.endings[ending ?? "running"] ?? Texts.conversations.endings["other"]}
        </p>
      )}
      {rating !== undefined && rating !== null && (
        <p class={`rated ${rating === "up" ? "good" : "bad"}`}>
          {Texts.conversations.rated[rating]}
          {comment !== undefined && comment !== null && comment !== "" && (
            <>
              : <bdi>{comment}</bdi>
            </>
          )}
        </p>
      )}
    </li>
  )
}

/** The first question. */
const titleOf = (messages: ReadonlyArray<Message>): string => {
  const question = messages.find(({ role }) => role === "user")
  return question === undefined ? Texts.conversations.untitled : textOf(question)
}

type Contact = Answer<"GET /v1/owner/sites/:site_id/submissions">["submissions"][number]

interface ContactsProps {
  /** The submissions in which the visitor left an address, to which a person can reply, or has. */
  readonly contacts: ReadonlyArray<Contact>
  readonly site: Site
}

const linkToContact = ({ submission_id }: Contact): string => linkTo({ page: "inbox", item: submission_id, view: {} })

const Contacts = ({ contacts, site }: ContactsProps) =>
  contacts.length === 0 ? null : (
    <p class="written">
      {Texts.conversations.contact}{" "}
      {contacts.map((contact, index) => (
        <span key={contact.submission_id}>
          {index > 0 && ", "}
          <a href={linkToContact(contact)}>
            <bdi>{contact.email ?? Texts.inbox.anonymous}</bdi>
          </a>
          {contact.answered_at !== null && (
            <span class="good">
              {" · "}
              {Texts.inbox.answeredBy(contact.answered_by, Format.moment(contact.answered_at, site.time_zone))}
            </span>
          )}
        </span>
      ))}
    </p>
  )

interface NextStepProps {
  readonly contacts: ReadonlyArray<Contact>
  readonly isMember: boolean
  readonly isOwner: boolean
  /** Marks the conversation as seen. Absent if it is not marked as unanswered. */
  readonly onSeen: (() => void) | undefined
}

/** What a person can do for a visitor without an answer. */
const NextStep = ({ contacts, isMember, isOwner, onSeen }: NextStepProps) => {
  if (contacts.some(({ answered_at }) => answered_at !== null)) return null
  const contact = contacts.find(({ email }) => email !== null)
  return (
    <section class="reasons">
      <p>{contact === undefined ? Texts.conversations.noAddress(isOwner) : Texts.conversations.withAddress}</p>
      {isMember && (
        <p class="actions">
          {contact === undefined ? (
            isOwner && (
              <a class="button" href={linkTo({ page: "setup", item: "assistants", view: {} })}>
                {Texts.conversations.toAssistants}
              </a>
            )
          ) : (
            <a class="button primary" href={linkToContact(contact)}>
              <Icon name="mail" />
              {Texts.conversations.toReply}
            </a>
          )}
          {onSeen !== undefined && (
            <button type="button" class="button" title={Texts.conversations.seenNote} onClick={onSeen}>
              <Icon name="check" />
              {Texts.conversations.seen}
            </button>
          )}
        </p>
      )}
    </section>
  )
}

interface Props {
  readonly site: Site
  readonly instanceId: string
  /** The id of the conversation; or that of one of its messages, which the link in a mail has. */
  readonly conversationId: string
  /** Whether a person chose the conversation, which ends its mark. */
  readonly isChosen: boolean
  readonly isMember: boolean
  /** Whether the person may try the assistant. */
  readonly isOwner: boolean
  readonly onRemove: () => void
}

export const Transcript = ({ conversationId, instanceId, isChosen, isMember, isOwner, onRemove, site }: Props) => {
  const { failure, value } = useAnswer(
    "GET /v1/owner/sites/:site_id/instances/:instance_id/conversations/:conversation_id",
    { params: { site_id: site.site_id, instance_id: instanceId, conversation_id: conversationId } },
    conversationId
  )
  const waits = value?.waiting === true
  const foundId = value?.conversation_id ?? conversationId
  const contacts = useAnswer(
    "GET /v1/owner/sites/:site_id/submissions",
    { params: { site_id: site.site_id }, query: { conversation: foundId, limit: 10 } },
    foundId
  )
  /** Whether the request below marks it as opened, after which the page says who opened it. */
  const isOpening = isChosen && isMember && waits
  useEffect(() => {
    if (foundId !== conversationId) go({ item: foundId }, { replace: true })
    else if (isOpening) {
      void send("POST /v1/owner/sites/:site_id/instances/:instance_id/conversations/:conversation_id/opened", {
        params: { site_id: site.site_id, instance_id: instanceId, conversation_id: conversationId }
      }).then(reloadData)
    }
  }, [foundId, isChosen, waits])
  // Together, because the messages would otherwise move when the address appears above them.
  const isLoading =
    failure === undefined && (value === undefined || (contacts.value === undefined && contacts.failure === undefined))
  const found = contacts.value?.submissions ?? []
  return (
    <article class="details" aria-busy={isLoading}>
      <a class="button bare back" href={linkTo({ item: null })}>
        <Icon name="back" />
        {Texts.inbox.back}
      </a>
      {isLoading || value === undefined ? (
        failure === undefined ? (
          <div class="loading" />
        ) : (
          <Problem failure={failure} gone={Texts.conversations.gone} />
        )
      ) : (
        <>
          <header class="transcript-head">
            <div>
              <h2>
                <bdi>{titleOf(value.messages)}</bdi>
              </h2>
              <p class="muted">
                {Format.moment(value.created_at, site.time_zone)}
                <Visit {...value} />
              </p>
              {(value.opened_at !== null || isOpening) && (
                <p class="muted">
                  <bdi>
                    {/* The space of the line that appears when the conversation is marked as opened. */}
                    {value.opened_at === null
                      ? "\u00a0"
                      : Texts.conversations.opened(value.opened_by, Format.moment(value.opened_at, site.time_zone))}
                  </bdi>
                </p>
              )}
            </div>
            {isMember && (
              <button type="button" class="button" onClick={onRemove}>
                <Icon name="trash" />
                {Texts.inbox.actions.delete}
              </button>
            )}
          </header>
          <Contacts site={site} contacts={found} />
          {isUnanswered(value.messages) && (
            <NextStep
              contacts={found}
              isMember={isMember}
              isOwner={isOwner}
              onSeen={waits && !isChosen ? () => go({ item: foundId }) : undefined}
            />
          )}
          <ol class="transcript">
            {value.messages.map((message, index) => (
              <TranscriptMessage
                key={message.id}
                message={message}
                before={(value.messages[index - 1] ?? value).created_at}
                timeZone={site.time_zone}
              />
            ))}
          </ol>
        </>
      )}
    </article>
  )
}

interface KnownVisit {
  readonly page: string | null
  readonly source: string | null
  readonly country: string | null
}

/** What is known of the visit in which a conversation began. Follows other texts on its line, separated by dots. */
export const Visit = ({ country, page, source }: KnownVisit) => (
  <>
    {[
      page,
      source === null ? null : Texts.conversations.from(sourceName(source)),
      country === null ? null : Format.value("visit:country", country)
    ].map(
      (text, index) =>
        text !== null && (
          <span key={index}>
            {" · "}
            <bdi>{text}</bdi>
          </span>
        )
    )}
  </>
)
