/**
 * The visits that are on a website now, and a list of what else arrives, which grows at the top. Both pause on request and while
 * the mouse is over them.
 *
 * @module
 */

import type { ComponentChildren } from "preact"
import { useEffect, useReducer, useRef, useState } from "preact/hooks"
import type { LiveChange } from "../../activity/OwnerActivityApi.ts"
import { notSet } from "../../analytics/reports/Dimensions.ts"
import * as Sources from "../../analytics/reports/Sources.ts"
import { connection, isSignedOut, reloadData } from "../Connection.ts"
import * as Format from "../Format.ts"
import type { Site } from "../frame/Bar.tsx"
import * as Inbox from "../inbox/View.ts"
import { linkTo } from "../Location.ts"
import { Mark } from "../parts/Mark.tsx"
import { InstallLink, Message } from "../parts/Message.tsx"
import type { PageProps } from "../parts/Page.ts"
import * as Texts from "../Texts.ts"
import { type Activity, type Feed, reduce } from "./Entries.ts"

/** The maximum number of visits of a message. */
const maxVisits = 50

/** Milliseconds before a broken stream is opened again, usually and while there is no session. */
const retryAfter = { usual: 3_000, signedOut: 30_000 }

const initial: Feed = { visitors: null, visits: [], entries: [], viewedAt: null, isBroken: false }

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

type Visit = LiveChange["visits"][number]

interface Shown {
  readonly main: ComponentChildren
  /** More about the activity, such as its source and the visitor's country. */
  readonly details: ReadonlyArray<string>
}

const visitorOf = ({
  browser,
  country,
  device
}: Pick<Visit, "browser" | "country" | "device">): ReadonlyArray<string> =>
  [
    country === null ? null : Format.value("visit:country", country),
    device === null ? null : Format.value("visit:device", device),
    browser
  ].filter((text) => text !== null)

const shownOf = (activity: Activity): Shown => {
  switch (activity.type) {
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

const timeOf = (time: string, { time_zone }: Site): string =>
  Format.latest(time, { now: Date.now(), timeZone: time_zone })

const Row = ({ activity, site }: { readonly activity: Activity; readonly site: Site }) => {
  const { details, main } = shownOf(activity)
  return (
    <li class={`arrival arrival-${activity.type}`}>
      <span class="kind">{Texts.live.kinds[activity.type]}</span>
      <span class="what">
        {main} <span class="muted">{details.join(" · ")}</span>
      </span>
      <time class="muted" dateTime={activity.received_at}>
        {timeOf(activity.received_at, site)}
      </time>
    </li>
  )
}

const VisitRow = ({ site, visit }: { readonly visit: Visit; readonly site: Site }) => {
  const source = visit.source === null ? Texts.live.direct : Texts.live.from(Sources.nameOf(visit.source))
  return (
    <li class="live-visit row">
      {visit.country === null ? (
        <Mark dimension="visit:device" value={visit.device ?? notSet} />
      ) : (
        <Mark dimension="visit:country" value={visit.country} />
      )}
      <span class="what">
        <bdi>{visit.page}</bdi> <span class="muted">{[source, ...visitorOf(visit)].join(" · ")}</span>
      </span>
      <span class="muted">{Texts.live.pages(visit.pageviews)}</span>
      <span class="muted">
        {Texts.live.since} <time dateTime={visit.started_at}>{Format.timeOfDay(visit.started_at, site.time_zone)}</time>
      </span>
    </li>
  )
}

/** The visits that are on the website now. */
const VisitList = ({ feed: { viewedAt, visits }, site }: { readonly feed: Feed; readonly site: Site }) => (
  <section class="card" aria-labelledby="visits-now">
    <h2 id="visits-now">{Texts.live.visits}</h2>
    {visits.length === 0 ? (
      <p class="none muted">
        {Texts.live.nobody} {viewedAt !== null && Texts.live.lastView(timeOf(viewedAt, site))}
      </p>
    ) : (
      <ol class="visits">
        {visits.map((visit) => (
          <VisitRow key={visit.key} visit={visit} site={site} />
        ))}
      </ol>
    )}
    {visits.length >= maxVisits && <p class="none muted">{Texts.live.notAll(maxVisits)}</p>}
  </section>
)

/** Milliseconds between two announcements for screen readers. */
const newsEvery = 10_000

/** Announces every ten seconds how many visits and new entries there are, so that screen readers need not read the lists. */
const News = ({ feed }: { readonly feed: Feed }) => {
  const [news, setNews] = useState("")
  const latest = useRef(feed)
  latest.current = feed
  const announced = useRef({ visits: feed.visits.length, number: feed.entries[0]?.number ?? 0 })
  useEffect(() => {
    const timer = setInterval(() => {
      const { entries, visits } = latest.current
      const before = announced.current
      announced.current = { visits: visits.length, number: entries[0]?.number ?? before.number }
      const fresh = entries.filter(({ number }) => number > before.number)
      const counts = [
        ...(visits.length === before.visits ? [] : [[Texts.live.visits, visits.length] as const]),
        ...[...Map.groupBy(fresh, ({ activity }) => activity.type)].map(
          ([kind, all]) => [Texts.live.kinds[kind], all.length] as const
        )
      ]
      if (counts.length > 0) setNews(Texts.live.news(counts))
    }, newsEvery)
    return () => clearInterval(timer)
  }, [])
  return (
    <p class="sr-only" role="status">
      {news}
    </p>
  )
}

/** What is shown of the visits while they load. */
const skeleton = (
  <section class="card" aria-hidden="true">
    <h2>{Texts.live.visits}</h2>
    <ol class="visits">
      {Array.from({ length: 8 }, (_, index) => (
        <li key={index} class="live-visit row">
          <span class="skeleton">&nbsp;</span>
        </li>
      ))}
    </ol>
  </section>
)

export const Live = ({ site }: PageProps) => {
  const feed = useFeed(site.site_id)
  const { isBroken, visits } = feed
  const areAllListed = visits.length > 0 && visits.length < maxVisits
  // A visitor whose IP address changes counts twice, and has one visit.
  const visitors = feed.visitors === null || !areAllListed ? feed.visitors : Math.min(feed.visitors, visits.length)
  const [isPaused, setPaused] = useState(false)
  const [isHovered, setHovered] = useState(false)
  /** While the lists are paused, they show what they had then. */
  const latest = useRef(feed)
  // Lists that are paused before the stream begins still show what arrives first.
  if (!(isPaused || isHovered) || latest.current.visitors === null) latest.current = feed
  const shown = latest.current
  const isWaiting = feed.visits !== shown.visits || feed.entries[0]?.number !== shown.entries[0]?.number
  const isEmpty = shown.entries.length === 0 && shown.visits.length === 0 && shown.viewedAt === null

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
          {areAllListed && visits.length !== visitors && Texts.live.inVisits(visits.length)}
        </p>
        <div class="rest">
          <span class="muted" role={isPaused ? "status" : undefined}>
            {isBroken
              ? Texts.live.connecting
              : isPaused
                ? Texts.live.paused(isWaiting)
                : isHovered && isWaiting
                  ? Texts.live.held
                  : ""}
          </span>
          <button type="button" class="button" onClick={() => setPaused(!isPaused)}>
            {isPaused ? Texts.live.resume : Texts.live.pause}
          </button>
        </div>
      </header>
      <News feed={feed} />
      {visitors === null ? (
        skeleton
      ) : isEmpty ? (
        <Message title={Texts.live.empty}>
          <p>{Texts.live.emptyBody}</p>
          <InstallLink label={Texts.noData.install} siteId={site.site_id} />
        </Message>
      ) : (
        <div
          class="live-lists"
          onPointerEnter={({ pointerType }) => pointerType === "mouse" && setHovered(true)}
          onPointerLeave={() => setHovered(false)}
        >
          <VisitList feed={shown} site={site} />
          {shown.entries.length > 0 && (
            <section class="card" aria-labelledby="arrivals">
              <h2 id="arrivals">{Texts.live.list}</h2>
              <ol class="arrivals">
                {shown.entries.map(({ activity, number }) => (
                  <Row key={number} activity={activity} site={site} />
                ))}
              </ol>
            </section>
          )}
        </div>
      )}
    </div>
  )
}
