/**
 * The live activity of a website: a list that grows at the top, and pauses on request and while the mouse is over it.
 *
 * @module
 */

import type { ComponentChildren } from "preact"
import { useEffect, useReducer, useRef, useState } from "preact/hooks"
import type { LiveChange } from "../../activity/OwnerLiveApi.ts"
import * as Sources from "../../analytics/reports/Sources.ts"
import { connection, isSignedOut, reloadData } from "../Connection.ts"
import * as Format from "../Format.ts"
import type { Site } from "../frame/Bar.tsx"
import * as Inbox from "../inbox/View.ts"
import { linkTo } from "../Location.ts"
import { Message, SetUpLink } from "../parts/Message.tsx"
import type { PageProps } from "../parts/Page.ts"
import * as Texts from "../Texts.ts"
import { type Activity, type Entry, type Feed, reduce } from "./Entries.ts"

/** Milliseconds before a broken stream is opened again, usually and while there is no session. */
const retryAfter = { usual: 3_000, signedOut: 30_000 }

const initial: Feed = { visitors: null, entries: [], isBroken: false }

/** Follows the live stream of a website while the page is visible. */
const useFeed = (siteId: string): Feed => {
  const [feed, dispatch] = useReducer(reduce, initial)
  useEffect(() => {
    let source: EventSource | undefined
    let retry: ReturnType<typeof setTimeout> | undefined
    const close = () => {
      source?.close()
      source = undefined
      clearTimeout(retry)
    }
    const open = () => {
      close()
      if (document.visibilityState === "hidden") return
      source = new EventSource(`/v1/owner/sites/${encodeURIComponent(siteId)}/live`)
      for (const kind of ["latest", "change"] as const) {
        source.addEventListener(kind, (event: MessageEvent<string>) =>
          dispatch({ kind, change: JSON.parse(event.data) as LiveChange })
        )
      }
      source.addEventListener("error", () => {
        dispatch({ kind: "broken" })
        close()
        retry = setTimeout(
          () => {
            // `EventSource` does not say why it failed. If the session has ended, this request shows it.
            reloadData()
            open()
          },
          retryAfter[isSignedOut(connection.get()) ? "signedOut" : "usual"]
        )
      })
    }
    open()
    document.addEventListener("visibilitychange", open)
    return () => {
      document.removeEventListener("visibilitychange", open)
      close()
    }
  }, [siteId])
  return feed
}

interface Shown {
  readonly main: ComponentChildren
  /** More about the activity, such as its source and the visitor's country. */
  readonly details: ReadonlyArray<string>
}

const visitorOf = ({ browser, country, device }: Extract<Activity, { readonly path: string }>): ReadonlyArray<string> =>
  [
    country === null ? null : Format.value("visit:country", country),
    device === null ? null : Format.value("visit:device", device),
    browser
  ].filter((text) => text !== null)

const shownOf = (activity: Activity): Shown => {
  switch (activity.type) {
    case "pageview": {
      const { path, source } = activity
      return {
        main: <bdi>{path}</bdi>,
        details: [...(source === null ? [] : [Texts.live.from(Sources.nameOf(source))]), ...visitorOf(activity)]
      }
    }
    case "event":
      return { main: <bdi>{activity.name}</bdi>, details: [activity.path, ...visitorOf(activity)] }
    case "submission": {
      const { page_slug, status, submission_id } = activity
      const isQuarantined = status === "quarantined"
      return {
        main: (
          <a
            href={linkTo({
              page: "inbox",
              item: submission_id,
              view: Inbox.format({ ...Inbox.parse({}), folder: status })
            })}
          >
            <bdi>{page_slug ?? Texts.live.form}</bdi>
          </a>
        ),
        details: isQuarantined ? [Texts.live.quarantined] : []
      }
    }
    case "conversation": {
      const { conversation_id, instance_id } = activity
      return {
        main: (
          <a href={linkTo({ page: "conversations", item: conversation_id, view: { instance: instance_id } })}>
            {Texts.live.began}
          </a>
        ),
        details: []
      }
    }
  }
}

/** Milliseconds. Times that are longer ago are shown with their day. */
const recent = 12 * 3_600_000

const timeOf = (time: string, { time_zone }: Site): string =>
  Date.now() - Date.parse(time) < recent ? Format.second(time, time_zone) : Format.dayAndTime(time, time_zone)

const Row = ({ activity, site }: { readonly activity: Activity; readonly site: Site }) => {
  const { details, main } = shownOf(activity)
  return (
    <li class={`arrival arrival-${activity.type}`}>
      <time class="muted" dateTime={activity.received_at}>
        {timeOf(activity.received_at, site)}
      </time>
      <span class="kind">{Texts.live.kinds[activity.type]}</span>
      <span class="what">
        {main} <span class="muted">{details.join(" · ")}</span>
      </span>
    </li>
  )
}

/** Milliseconds between two announcements for screen readers. */
const newsEvery = 10_000

/** Announces every ten seconds how many entries are new, so that screen readers need not read the list. */
const News = ({ entries }: { readonly entries: ReadonlyArray<Entry> }) => {
  const [news, setNews] = useState("")
  const latest = useRef(entries)
  latest.current = entries
  const announced = useRef(entries[0]?.number ?? 0)
  useEffect(() => {
    const timer = setInterval(() => {
      const fresh = latest.current.filter(({ number }) => number > announced.current)
      announced.current = latest.current[0]?.number ?? announced.current
      const counts = Map.groupBy(fresh, ({ activity }) => activity.type)
      if (fresh.length > 0) {
        setNews(Texts.live.news([...counts].map(([kind, all]) => [Texts.live.kinds[kind], all.length] as const)))
      }
    }, newsEvery)
    return () => clearInterval(timer)
  }, [])
  return (
    <p class="sr-only" role="status">
      {news}
    </p>
  )
}

/** What is shown of the list while it loads. */
const skeleton = Array.from({ length: 12 }, (_, index) => (
  <li key={`skeleton-${index}`} class="arrival" aria-hidden="true">
    <span class="skeleton time" />
    <span class="skeleton kind" />
    <span class="skeleton what" />
  </li>
))

export const Live = ({ site }: PageProps) => {
  const { entries, isBroken, visitors } = useFeed(site.site_id)
  const [isPaused, setPaused] = useState(false)
  const [isHovered, setHovered] = useState(false)
  /** While the list is paused, it shows what it had then. The feed drops old entries. */
  const latest = useRef(entries)
  // A list that is paused before anything has arrived still shows what arrives first.
  if (!(isPaused || isHovered) || latest.current.length === 0) latest.current = entries
  const shown = latest.current
  const waiting = (entries[0]?.number ?? 0) - (shown[0]?.number ?? 0)

  // Nothing was received yet, so the page has nothing to show but the error.
  if (isBroken && visitors === null) {
    return (
      <Message title={Texts.live.failed}>
        <p>{Texts.live.failedBody}</p>
      </Message>
    )
  }
  return (
    <div class="live">
      <header class="options">
        <h1 class="sr-only">{Texts.pages.live}</h1>
        <p class={`now ${visitors !== null && visitors > 0 ? "live-now" : ""}`} title={Texts.now.note}>
          {visitors === null ? (
            <span class="skeleton">0 visitors now</span>
          ) : (
            Texts.now.visitors(Format.count(visitors), visitors === 1)
          )}
        </p>
        <div class="rest">
          <span class="muted" role={isPaused ? "status" : undefined}>
            {isBroken
              ? Texts.live.connecting
              : isPaused
                ? Texts.live.paused(waiting)
                : isHovered
                  ? Texts.live.held(waiting)
                  : ""}
          </span>
          <button type="button" class="button" onClick={() => setPaused(!isPaused)}>
            {isPaused ? Texts.live.resume : Texts.live.pause}
          </button>
        </div>
      </header>
      <News entries={entries} />
      {visitors !== null && entries.length === 0 ? (
        <Message title={Texts.live.empty}>
          <p>{Texts.live.emptyBody}</p>
          <SetUpLink label={Texts.noData.install} section="install" />
        </Message>
      ) : (
        <ol
          class="arrivals"
          aria-label={Texts.live.list}
          aria-busy={visitors === null}
          onPointerEnter={({ pointerType }) => pointerType === "mouse" && setHovered(true)}
          onPointerLeave={() => setHovered(false)}
        >
          {visitors === null && skeleton}
          {shown.map(({ activity, number }) => (
            <Row key={number} activity={activity} site={site} />
          ))}
        </ol>
      )}
    </div>
  )
}
