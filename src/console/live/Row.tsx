/**
 * One activity of the live list. It contains nothing that identifies a visitor.
 *
 * @module
 */
import type { ComponentChildren } from "preact"
import * as Sources from "../../analytics/reports/Sources.ts"
import * as Format from "../Format.ts"
import type { Site } from "../frame/Bar.tsx"
import * as Inbox from "../inbox/View.ts"
import { linkTo } from "../Location.ts"
import * as Texts from "../Texts.ts"
import type { Activity } from "./Entries.ts"

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

export const Row = ({ activity, site }: { readonly activity: Activity; readonly site: Site }) => {
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
