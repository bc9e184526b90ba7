/**
 * The submissions of a view, latest first.
 *
 * @module
 */
import { useEffect, useState } from "preact/hooks"
import * as Format from "../Format.ts"
import type { Site } from "../frame/Bar.tsx"
import { linkTo, useAddress } from "../Location.ts"
import type { Answer } from "../Requests.ts"
import { useAnswer } from "../Resource.ts"
import * as Texts from "../Texts.ts"
import { type Changes, hides } from "./Changes.ts"
import * as View from "./View.ts"

export type Submission = Answer<"GET /v1/owner/sites/:site_id/submissions">["submissions"][number]

/** The most submissions of one request. */
const partSize = 50

interface Shared {
  readonly site: Site
  readonly view: View.View
  readonly changes: Changes
  readonly selected: ReadonlySet<string>
  /** Undefined for a person who may change nothing. */
  readonly onSelect: ((submissionId: string, isSelected: boolean) => void) | undefined
}

export const nameOf = ({ email }: Pick<Submission, "email">): string => email ?? Texts.inbox.anonymous

const Row = ({ changes, onSelect, selected, site, submission }: Shared & { readonly submission: Submission }) => {
  const { item } = useAddress()
  const { email, page_slug, preview, read, received_at, submission_id } = submission
  const isRead = changes.of(submission_id).isRead ?? read
  const name = nameOf(submission)
  return (
    <li class={`submission ${isRead ? "" : "unread"}`}>
      {onSelect !== undefined && (
        <input
          type="checkbox"
          aria-label={Texts.inbox.select(name)}
          checked={selected.has(submission_id)}
          onChange={({ currentTarget }) => onSelect(submission_id, currentTarget.checked)}
        />
      )}
      <a href={linkTo({ item: submission_id })} aria-current={item === submission_id ? "true" : undefined}>
        <span class="first">
          {!isRead && <i class="dot" title={Texts.inbox.unread} />}
          {!isRead && <span class="heard">{Texts.inbox.unread}</span>}
          <span class={`sender ${email === null ? "muted" : ""}`}>
            <bdi>{name}</bdi>
          </span>
          <time dateTime={received_at}>
            {Format.arrival(received_at, { now: Date.now(), timeZone: site.time_zone })}
          </time>
        </span>
        <span class="preview">
          {page_slug !== null && <span class="tag">{page_slug}</span>}
          <bdi>{preview}</bdi>
        </span>
      </a>
    </li>
  )
}

const Skeleton = () => (
  <ul aria-hidden="true">
    {Array.from({ length: 6 }, (_, index) => (
      <li key={index} class="submission">
        <span class={`skeleton skeleton-${index % 4}`}>&nbsp;</span>
      </li>
    ))}
  </ul>
)

interface PartProps extends Shared {
  readonly cursor: string | undefined
  /** Called with where the next part begins, and how many of this part are shown. */
  readonly onLoaded: (next: string | null, shown: number) => void
}

const Part = ({ cursor, onLoaded, ...shared }: PartProps) => {
  const { changes, site, view } = shared
  const { failure, isStale, value } = useAnswer(
    "GET /v1/owner/sites/:site_id/submissions",
    {
      params: { site_id: site.site_id },
      query: { ...View.toFilter(view), limit: partSize, ...(cursor !== undefined && { cursor }) }
    },
    `${site.site_id} ${cursor ?? ""}`
  )
  const shown = value?.submissions.filter(({ submission_id }) => !hides(view.folder, changes.of(submission_id)))
  useEffect(() => {
    if (value !== undefined && !isStale) onLoaded(value.next, shown?.length ?? 0)
  }, [value, isStale, shown?.length])
  if (shown === undefined) {
    return failure === undefined || failure.kind === "offline" ? (
      <Skeleton />
    ) : (
      <p class="none">{Texts.failures[failure.kind]}</p>
    )
  }
  return (
    <ul class={isStale ? "stale" : undefined} aria-busy={isStale}>
      {shown.map((submission) => (
        <Row key={submission.submission_id} {...shared} submission={submission} />
      ))}
    </ul>
  )
}

interface Loaded {
  readonly next: string | null
  readonly shown: number
}

export const List = (props: Shared & { readonly empty: preact.ComponentChildren }) => {
  const { empty, ...shared } = props
  const [cursors, setCursors] = useState<ReadonlyArray<string | undefined>>([undefined])
  const [parts, setParts] = useState<ReadonlyMap<string | undefined, Loaded>>(new Map())
  const last = parts.get(cursors.at(-1))
  const shown = cursors.reduce((sum, cursor) => sum + (parts.get(cursor)?.shown ?? 0), 0)

  // A part in which nothing matches is not the end.
  useEffect(() => {
    const { next, shown } = last ?? { next: null, shown: 1 }
    if (shown === 0 && next !== null) setCursors((all) => (all.includes(next) ? all : [...all, next]))
  }, [last])

  const move = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (step === undefined) return
    const links = Array.from((event.currentTarget as HTMLElement).querySelectorAll<HTMLElement>("a"))
    const next = links[links.indexOf(document.activeElement as HTMLElement) + step]
    if (next === undefined) return
    event.preventDefault()
    next.focus()
  }

  return (
    <section class="submissions" aria-label={Texts.inbox.list} onKeyDown={move}>
      {cursors.map((cursor) => (
        <Part
          key={cursor ?? ""}
          {...shared}
          cursor={cursor}
          onLoaded={(next, shown) => setParts((all) => new Map([...all, [cursor, { next, shown }]]))}
        />
      ))}
      {last !== undefined && last.next === null && shown === 0 && empty}
      {last !== undefined && last.next !== null && last.shown > 0 && (
        <button type="button" class="button" onClick={() => setCursors([...cursors, last.next ?? undefined])}>
          {Texts.inbox.more}
        </button>
      )}
    </section>
  )
}
