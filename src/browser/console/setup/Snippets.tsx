/**
 * The HTML to paste into a website's pages, with live checks, and the requests that were not counted.
 *
 * @module
 */
import { useEffect, useState } from "preact/hooks"
import * as Connection from "../Connection.ts"
import * as Format from "../Format.ts"
import { linkTo } from "../Location.ts"
import { ago } from "../parts/Ago.ts"
import { Icon } from "../parts/Icon.tsx"
import type { PageProps } from "../parts/Page.ts"
import { Snippet } from "../parts/Snippet.tsx"
import type { Answer } from "../Requests.ts"
import { useAnswer } from "../Resource.ts"
import * as Texts from "../texts/SetUp.ts"
import { Loading, Section } from "./Section.tsx"
import * as Tags from "./Tags.ts"

type Activity = Answer<"GET /v1/owner/sites/:site_id/activity">["activity"][number]

/** Milliseconds between two checks. */
const pause = 5_000

/** A live check: says that something works, or what it waits for. */
const Check = ({ success, waiting }: { readonly success: string | undefined; readonly waiting: string }) => (
  <p class={success === undefined ? "check-line muted" : "check-line good"} role="status">
    {success === undefined ? <span class="pulse" /> : <Icon name="check" />}
    {success ?? waiting}
  </p>
)

const successOf = (activity: Activity | undefined, now: number): string | undefined =>
  activity === undefined || activity.type === "conversation"
    ? undefined
    : activity.type === "submission"
      ? Texts.install.received(activity.page_slug, ago(activity.received_at, now))
      : Texts.install.seen(activity.path, ago(activity.received_at, now))

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

const Refused = ({ site }: Pick<PageProps, "site">) => {
  const today = new Date().toISOString().slice(0, 10)
  const { failure, value } = useAnswer(
    "GET /v1/owner/sites/:site_id/decisions",
    { params: { site_id: site.site_id }, query: { from: today, to: today } },
    site.site_id
  )
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

export const Snippets = ({ site }: PageProps) => {
  const now = useLiveChecks()
  const params = { site_id: site.site_id }
  const { failure, value: details } = useAnswer("GET /v1/owner/sites/:site_id", { params }, site.site_id)
  const { value } = useAnswer("GET /v1/owner/sites/:site_id/activity", { params, query: {} }, site.site_id)
  const latest = (types: ReadonlyArray<string>) => value?.activity.find(({ type }) => types.includes(type))
  const base = location.origin
  return (
    <>
      <Section title={Texts.install.tag} note={Texts.install.tagNote}>
        {details === undefined ? (
          <Loading failure={failure} />
        ) : (
          <Snippet text={Tags.tracker(base, details.tracking_token)} />
        )}
        <Check success={successOf(latest(["pageview", "event"]), now)} waiting={Texts.install.waitingForTag} />
      </Section>
      <Section title={Texts.install.form} note={Texts.install.formNote}>
        <Snippet text={Tags.form(base, site.site_id)} />
        <Check success={successOf(latest(["submission"]), now)} waiting={Texts.install.waitingForForm} />
      </Section>
      <Section
        title={Texts.install.widget}
        note={Texts.install.widgetNote}
        actions={
          <a class="button" href={linkTo({ item: "assistants", view: {} })}>
            {Texts.install.toAssistants}
          </a>
        }
      />
      <Refused site={site} />
    </>
  )
}
