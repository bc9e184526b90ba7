/**
 * The HTML to paste into a website's pages, with live checks, and the requests that were not counted.
 *
 * @module
 */
import { useEffect, useState } from "preact/hooks"
import * as Tags from "../../sites/Tags.ts"
import * as Connection from "../Connection.ts"
import * as Format from "../Format.ts"
import { linkTo } from "../Location.ts"
import { useChange } from "../parts/Change.ts"
import { messageOf } from "../parts/FailureText.ts"
import type { PageProps } from "../parts/Page.ts"
import { Snippet } from "../parts/Snippet.tsx"
import type { Answer } from "../Requests.ts"
import { type Resource, useAnswer } from "../Resource.ts"
import * as Assistants from "../texts/Assistants.ts"
import * as Texts from "../texts/SetUp.ts"
import { AnswerCheck, LiveCheck } from "./AnswerCheck.tsx"
import * as InstallCheck from "./InstallCheck.ts"
import { AddButton, Loading, Section } from "./Section.tsx"
import { NoToken, useTokens, validTokens } from "./Tokens.tsx"

type Instance = Answer<"GET /v1/owner/sites/:site_id/instances">["instances"][number]

interface Props {
  readonly siteId: string
  readonly isOwner: boolean
}

const ChatTag = ({ instance, isOwner, siteId }: Props & { readonly instance: Instance }) => {
  const params = { site_id: siteId, instance_id: instance.instance_id }
  const { failure, value } = useTokens(siteId, instance.instance_id)
  const issue = useChange("POST /v1/owner/sites/:site_id/instances/:instance_id/tokens")
  if (value === undefined) return <Loading failure={failure} />
  const valid = validTokens(value)
  // The newest whose text is known.
  const token = valid.findLast(({ token }) => token !== null)?.token ?? null
  const problem = messageOf(issue.failure)
  return (
    <>
      {token === null ? (
        <>
          {valid.length === 0 ? (
            <NoToken tokens={value.tokens} isOwner={isOwner} />
          ) : (
            <p class="muted">{Assistants.tokens.unknown}</p>
          )}
          {isOwner && <AddButton label={Assistants.tokens.add} onClick={() => issue.run({ params, body: {} })} />}
          {problem !== undefined && <p class="bad">{problem}</p>}
        </>
      ) : (
        <Snippet text={Tags.chat(location.origin, instance.instance_id, token)} />
      )}
      <AnswerCheck siteId={siteId} instance={instance} isOwner={isOwner} hasToken={valid.length > 0} />
    </>
  )
}

/** The tag of each assistant's chat, with a token filled in. */
const ChatTags = ({ isOwner, siteId }: Props) => {
  const { failure, value } = useAnswer(
    "GET /v1/owner/sites/:site_id/instances",
    { params: { site_id: siteId } },
    siteId
  )
  if (value === undefined) return <Loading failure={failure} />
  if (value.instances.length === 0) return <p class="none">{Texts.install.noAssistant}</p>
  return (
    <>
      {value.instances.map((instance) => (
        <div key={instance.instance_id} class="chat-tag">
          <h3>
            <bdi>{instance.name}</bdi>
          </h3>
          <ChatTag siteId={siteId} isOwner={isOwner} instance={instance} />
        </div>
      ))}
    </>
  )
}

/** Milliseconds between two checks. */
const pause = 5_000

/** Repeats the checks every few seconds while the page is visible. Returns the current time, updated as often. */
const useLiveChecks = (): number => {
  const [now, setNow] = useState(Date.now())
  useEffect(() => {
    const timer = setInterval(() => {
      setNow(Date.now())
      if (document.visibilityState === "visible") Connection.reloadData()
    }, pause)
    return () => clearInterval(timer)
  }, [])
  return now
}

type Decisions = Answer<"GET /v1/owner/sites/:site_id/decisions">

const Refused = ({ failure, value }: Resource<Decisions>) => {
  const reasons = value?.reasons ?? []
  return (
    <Section title={Texts.refused.title} note={Texts.refused.note}>
      {value === undefined ? (
        <Loading failure={failure} />
      ) : reasons.length === 0 ? (
        <p class="none">{Texts.refused.none}</p>
      ) : (
        <ul class="rows">
          {reasons.map(({ count, reason }) => (
            <li key={reason}>
              <div class="about">
                <b>{Texts.refused.counted(Format.count(count), reason)}</b>
                <p class="muted">{Texts.refused.advice[reason]}</p>
              </div>
              {reason === "foreign-origin" && (
                <a class="button" href={linkTo({ item: "website", view: {} })}>
                  {Texts.refused.toOrigins}
                </a>
              )}
              {reason === "form-rule" && (
                <a class="button" href={linkTo({ item: "forms", view: {} })}>
                  {Texts.refused.toRules}
                </a>
              )}
              {reason === "quarantined" && (
                <a class="button" href={linkTo({ page: "inbox", item: null, view: { folder: "quarantine" } })}>
                  {Texts.refused.toInbox}
                </a>
              )}
            </li>
          ))}
        </ul>
      )}
    </Section>
  )
}

export const Snippets = ({ isOwner, site }: PageProps) => {
  const now = useLiveChecks()
  const siteId = site.site_id
  const params = { site_id: siteId }
  const today = new Date(now).toISOString().slice(0, 10)
  const { failure, value: details } = useAnswer("GET /v1/owner/sites/:site_id", { params }, siteId)
  const { value: latest } = useAnswer("GET /v1/owner/sites/:site_id/activity", { params, query: {} }, siteId)
  // Many newer page views hide a submission in the list of activities.
  const { value: submissions } = useAnswer(
    "GET /v1/owner/sites/:site_id/submissions",
    { params, query: { limit: 1 } },
    siteId
  )
  const decisions = useAnswer(
    "GET /v1/owner/sites/:site_id/decisions",
    { params, query: { from: today, to: today } },
    siteId
  )
  const facts = decisions.value && { decisions: decisions.value, now }
  const base = location.origin
  return (
    <>
      <Section title={Texts.install.tag} note={Texts.install.tagNote}>
        {details === undefined ? (
          <Loading failure={failure} />
        ) : (
          <Snippet text={Tags.tracker(base, details.tracking_token)} />
        )}
        {facts && latest && <LiveCheck {...InstallCheck.ofTag(latest.activity, facts)} />}
      </Section>
      <Section title={Texts.install.form} note={Texts.install.formNote}>
        <Snippet text={Tags.form(base, siteId)} />
        {facts && submissions && <LiveCheck {...InstallCheck.ofForm(submissions.submissions[0], facts)} />}
      </Section>
      <Section
        title={Texts.install.widget}
        note={Texts.install.widgetNote}
        actions={
          <a class="button" href={linkTo({ item: "assistants", view: {} })}>
            {Texts.install.toAssistants}
          </a>
        }
      >
        <ChatTags siteId={siteId} isOwner={isOwner} />
      </Section>
      <Refused {...decisions} />
    </>
  )
}
