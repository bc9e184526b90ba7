/**
 * The problems of a website, each with the next step.
 *
 * @module
 */
import { useState } from "preact/hooks"
import * as Format from "../Format.ts"
import { linkTo } from "../Location.ts"
import { useChange } from "../parts/Change.ts"
import { messageOf } from "../parts/FailureText.ts"
import type { PageProps } from "../parts/Page.ts"
import { useKeptFocus } from "../parts/Panes.ts"
import type { Answer } from "../Requests.ts"
import { useAnswer } from "../Resource.ts"
import { Row, Rows, Section } from "../setup/Section.tsx"
import * as Texts from "../texts/Problems.ts"

export type Problem = Answer<"GET /v1/owner/sites/:site_id/health">["problems"][number]

export const useProblems = (siteId: string) =>
  useAnswer("GET /v1/owner/sites/:site_id/health", { params: { site_id: siteId } }, siteId)

/** Identifies a problem among those of its website. */
export const keyOf = ({ field, kind, subject, subject_id }: Problem): string =>
  JSON.stringify([kind, subject_id, subject, field])

/** How often, since when, and when the last time. */
export const factsOf = (problem: Problem, timeZone: string, now: number): string => {
  const { count, kind, last_at, since } = problem
  return [
    Texts.howOften(problem, Format.count(count), count === 1),
    Texts.since(Format.dayAndTime(since, timeZone)),
    ...(kind === "tag_silent" ? [] : [Texts.last(Format.ago(last_at, now))])
  ].join(" · ")
}

interface AllowProps {
  readonly siteId: string
  readonly problem: Problem & { readonly subject: string }
}

const Button = ({
  failure,
  isBusy,
  onClick
}: {
  readonly failure: string | undefined
  readonly isBusy: boolean
  readonly onClick: () => void
}) => (
  <>
    {failure !== undefined && (
      <span class="bad" role="alert">
        {failure}
      </span>
    )}
    <button type="button" class="button" aria-disabled={isBusy} onClick={onClick}>
      {Texts.allow}
    </button>
  </>
)

/** Adds the origin to those of the website. */
const AllowOnSite = ({ problem, siteId }: AllowProps) => {
  const { value } = useAnswer("GET /v1/owner/sites/:site_id", { params: { site_id: siteId } }, siteId)
  const change = useChange("PATCH /v1/owner/sites/:site_id")
  return (
    <Button
      isBusy={change.isBusy || value === undefined}
      failure={messageOf(change.failure, [])}
      onClick={() =>
        value && change.run({ params: { site_id: siteId }, body: { origins: [...value.origins, problem.subject] } })
      }
    />
  )
}

/** Adds the origin to those of the assistant that refused it. */
const AllowOnAssistant = ({ problem, siteId }: AllowProps) => {
  const { value } = useAnswer("GET /v1/owner/sites/:site_id/instances", { params: { site_id: siteId } }, siteId)
  const change = useChange("PATCH /v1/owner/sites/:site_id/instances/:instance_id")
  const instance = value?.instances.find(({ instance_id }) => instance_id === problem.subject_id)
  return (
    <Button
      isBusy={change.isBusy || instance === undefined}
      failure={messageOf(change.failure, [])}
      onClick={() =>
        instance &&
        change.run({
          params: { site_id: siteId, instance_id: instance.instance_id },
          body: { origins: [...instance.origins, problem.subject] }
        })
      }
    />
  )
}

/** The button that allows a refused origin; nothing for other problems. */
export const Allow = ({ problem, siteId }: { readonly siteId: string; readonly problem: Problem }) => {
  const { kind, subject, subject_id: id } = problem
  if (kind !== "origin_refused" || subject === null) return null
  const props = { siteId, problem: { ...problem, subject } }
  return id === null ? <AllowOnSite {...props} /> : <AllowOnAssistant {...props} />
}

/** The page of the settings on which the next step is made; null if it is made elsewhere. */
const pageOf = ({ kind }: Problem) => {
  switch (kind) {
    case "agent_failed":
    case "tokens_used_up":
      return "assistants"
    case "webhook_disabled":
    case "webhook_failing":
      return "webhooks"
    case "mail_failing":
      return "mails"
    case "form_rules_refuse":
      return "forms"
    case "tag_silent":
      return "install"
    case "limit_reached":
    case "origin_refused":
      return null
  }
}

/** Leads to the page of the next step, which only an owner can make; anyone can look for the tag. */
const NextStep = ({ isOwner, problem }: { readonly problem: Problem; readonly isOwner: boolean }) => {
  const page = pageOf(problem)
  return page === null || !(isOwner || page === "install") ? null : (
    <a class="button" href={linkTo({ page: "setup", item: page, view: {} })}>
      {Texts.pages[page]}
    </a>
  )
}

export const Problems = ({ isOwner, site }: PageProps) => {
  const resource = useProblems(site.site_id)
  const [now] = useState(() => Date.now())
  const list = useKeptFocus(".actions .button")
  return (
    <Section title={Texts.title} note={Texts.note}>
      <div ref={list}>
        <Rows
          resource={resource}
          items={({ problems }) => problems}
          empty={Texts.none}
          row={(problem) => (
            <Row
              key={keyOf(problem)}
              title={problem.title}
              facts={
                <>
                  {factsOf(problem, site.time_zone, now)}
                  <br />
                  {problem.reason !== null && (
                    <>
                      {Texts.reason(problem.reason)}
                      <br />
                    </>
                  )}
                  {problem.next_step}
                </>
              }
            >
              {isOwner && <Allow siteId={site.site_id} problem={problem} />}
              <NextStep problem={problem} isOwner={isOwner} />
            </Row>
          )}
        />
      </div>
    </Section>
  )
}

interface LineProps {
  readonly siteId: string
  readonly timeZone: string
  readonly isOwner: boolean
}

/** The most urgent problem of a website, above its statistics. Shows nothing while it loads, and if nothing is wrong. */
export const Line = ({ isOwner, siteId, timeZone }: LineProps) => {
  const { value } = useProblems(siteId)
  const [now] = useState(() => Date.now())
  const actions = useKeptFocus(".button")
  const [first, ...others] = value?.problems ?? []
  if (first === undefined) return null
  return (
    <section class="wrong" aria-label={Texts.title}>
      <p>
        <b>
          <bdi>{first.title}</bdi>
        </b>{" "}
        <span class="muted">
          {factsOf(first, timeZone, now)}
          {first.reason !== null && ` · ${Texts.reason(first.reason)}`}
        </span>
      </p>
      <p class="muted">{first.next_step}</p>
      <div class="actions" ref={actions}>
        {isOwner && <Allow siteId={siteId} problem={first} />}
        <NextStep problem={first} isOwner={isOwner} />
        <a class="button" href={linkTo({ page: "setup", item: "problems", view: {} })}>
          {others.length === 0 ? Texts.show : Texts.more(others.length)}
        </a>
      </div>
    </section>
  )
}
