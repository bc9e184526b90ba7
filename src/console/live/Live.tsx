/**
 * The live activity of a website: a list that grows at the top, and pauses on request and while the mouse is over it.
 *
 * @module
 */
import { useEffect, useRef, useState } from "preact/hooks"
import * as Format from "../Format.ts"
import { Message } from "../parts/Message.tsx"
import type { PageProps } from "../parts/Page.ts"
import { SetUpLink } from "../parts/SetUpLink.tsx"
import * as Texts from "../Texts.ts"
import type { Entry } from "./Entries.ts"
import { useFeed } from "./Feed.ts"
import { Row } from "./Row.tsx"

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
