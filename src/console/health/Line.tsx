/**
 * The most urgent problem of a website, above its statistics.
 *
 * @module
 */
import { useState } from "preact/hooks"
import { linkTo } from "../Location.ts"
import * as Texts from "../texts/Problems.ts"
import { Allow, factsOf, NextStep, useProblems } from "./Problems.tsx"

interface Props {
  readonly siteId: string
  readonly timeZone: string
  readonly isOwner: boolean
}

/** Shows nothing while it loads, and if nothing is wrong. */
export const Line = ({ isOwner, siteId, timeZone }: Props) => {
  const { value } = useProblems(siteId)
  const [now] = useState(() => Date.now())
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
      <div class="actions">
        {isOwner && <Allow siteId={siteId} problem={first} />}
        <NextStep problem={first} />
        <a class="button" href={linkTo({ page: "setup", item: "problems", view: {} })}>
          {others.length === 0 ? Texts.show : Texts.more(others.length)}
        </a>
      </div>
    </section>
  )
}
