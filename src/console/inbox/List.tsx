/**
 * The submissions of a view, latest first.
 *
 * @module
 */
import type { ComponentChildren } from "preact"
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks"
import * as Format from "../Format.ts"
import type { Site } from "../frame/Bar.tsx"
import { go, linkTo, useAddress } from "../Location.ts"
import { PagedList } from "../parts/PagedList.tsx"
import { focusList } from "../parts/Panes.ts"
import type { Answer } from "../Requests.ts"
import { mapResource, useAnswer } from "../Resource.ts"
import * as Texts from "../Texts.ts"
import { hides } from "./Change.ts"
import type { Changes } from "./Changes.ts"
import * as View from "./View.ts"

export type Submission = Answer<"GET /v1/owner/sites/:site_id/submissions">["submissions"][number]

/** The maximum number of submissions that one request loads. */
export const partSize = 50

interface Shared {
  readonly site: Pick<Site, "time_zone">
  readonly view: View.View
  readonly changes: Changes
  /** The submission that is open beside the list. */
  readonly openId: string | null
  readonly selected: ReadonlySet<string>
  /** Undefined for a viewer. */
  readonly onSelect: ((submissionId: string, isSelected: boolean) => void) | undefined
}

export const nameOf = ({ email, name }: Pick<Submission, "email" | "name">): string =>
  name ?? email ?? Texts.inbox.anonymous

interface RowProps extends Omit<Shared, "view"> {
  readonly submission: Submission
  /** Its place in the address, if that is not its id. */
  readonly item?: string
  /** The name of its website, in a list of several. */
  readonly siteName?: string
}

export const Row = ({ changes, item, onSelect, openId, selected, site, siteName, submission }: RowProps) => {
  const { answered_at, answered_by, email, page_slug, preview, read, received_at, submission_id } = submission
  const isRead = changes.of(submission_id).isRead ?? read
  const name = nameOf(submission)
  return (
    <li class={`entry submission ${isRead ? "" : "unread"}`}>
      {onSelect !== undefined && (
        <input
          type="checkbox"
          aria-label={Texts.inbox.select(name)}
          checked={selected.has(submission_id)}
          onChange={({ currentTarget }) => onSelect(submission_id, currentTarget.checked)}
        />
      )}
      <a href={linkTo({ item: item ?? submission_id })} aria-current={openId === submission_id ? "true" : undefined}>
        <span class="first">
          {!isRead && <i class="dot" title={Texts.inbox.unread} />}
          {!isRead && <span class="sr-only">{Texts.inbox.unread}</span>}
          <span class={`sender ${submission.name === null && email === null ? "muted" : ""}`} dir="auto">
            {name}
          </span>
          <time dateTime={received_at}>
            {Format.arrival(received_at, { now: Date.now(), timeZone: site.time_zone })}
          </time>
        </span>
        <span class="preview">
          {siteName !== undefined && <bdi class="of-site">{siteName}</bdi>}
          {answered_at !== null && (
            <span class="tag" title={Texts.inbox.answeredBy(answered_by, Format.moment(answered_at, site.time_zone))}>
              <span class="good">{Texts.inbox.answered}</span>
            </span>
          )}
          {page_slug !== null && <span class="tag">{page_slug}</span>}
          <bdi>{preview}</bdi>
        </span>
      </a>
    </li>
  )
}

interface Props extends Shared {
  readonly site: Site
  readonly empty: ComponentChildren
  /** Called with the id of the first submission that is listed; null while none is. */
  readonly onFirst: (submissionId: string | null) => void
}

export const List = ({ empty, onFirst, ...shared }: Props) => {
  const { changes, site, view } = shared
  return (
    <PagedList<Submission>
      label={Texts.inbox.list}
      more={Texts.inbox.more}
      useItems={(cursor) =>
        mapResource(
          useAnswer(
            "GET /v1/owner/sites/:site_id/submissions",
            {
              params: { site_id: site.site_id },
              query: { ...View.toFilter(view), limit: partSize, ...(cursor !== undefined && { cursor }) }
            },
            site.site_id
          ),
          ({ next, submissions }) => ({ items: submissions, next })
        )
      }
      isHidden={({ submission_id }) => hides(view.folder, changes.of(submission_id))}
      row={(submission) => <Row key={submission.submission_id} {...shared} submission={submission} />}
      onFirst={(first) => onFirst(first?.submission_id ?? null)}
      empty={empty}
    />
  )
}

/** What was done to submissions last, and can be undone. */
export interface LastChange {
  readonly change: "isSpam" | "isDeleted"
  readonly ids: ReadonlyArray<string>
  /** What was open then, which is opened again if the change is undone. */
  readonly item: string | null
}

/**
 * What was marked as spam or deleted last, until a person chooses another submission or another list.
 *
 * @param viewKey identifies the list
 */
export const useLastChange = (viewKey: string) => {
  const { item } = useAddress()
  const [last, setLast] = useState<LastChange>()
  useEffect(() => setLast(undefined), [viewKey])
  useEffect(() => {
    if (item !== null) setLast(undefined)
  }, [item])
  return { last, setLast: (change?: Omit<LastChange, "item">) => setLast(change && { ...change, item }) }
}

/** Takes a submission that left its list out of the address: after a reload, nothing would be open that is not in the list. */
export const useClosed = (isGone: boolean): void =>
  useEffect(() => {
    if (isGone) go({ item: null }, { replace: true })
  }, [isGone])

/** Says that submissions were marked as spam or deleted, which can be undone. */
export const Undo = ({ change, changes, ids, item }: LastChange & { readonly changes: Changes }) => {
  const box = useRef<HTMLDivElement>(null)
  useLayoutEffect(() => {
    const element = box.current
    return () => {
      // The button is gone in a moment.
      if (element?.contains(document.activeElement)) queueMicrotask(focusList)
    }
  }, [])
  const undo = () => {
    ;(change === "isSpam" ? changes.release : changes.restore)(ids)
    if (item !== null) go({ item }, { replace: true })
  }
  return (
    <div class="selection" role="status" ref={box}>
      <b>{Texts.inbox.changed[change](ids.length)}</b>
      <button type="button" class="button" onClick={undo}>
        {Texts.inbox.undo}
      </button>
    </div>
  )
}
