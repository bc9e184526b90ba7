/**
 * Who may see a website: people with a session or a link, and anyone with the URL of a shared dashboard.
 *
 * @module
 */

import { useLayoutEffect, useRef, useState } from "preact/hooks"
import { reloadData } from "../Connection.ts"
import * as Format from "../Format.ts"
import type { Site } from "../frame/Bar.tsx"
import { useChange } from "../parts/Change.ts"
import * as Expiry from "../parts/Expiry.ts"
import { messageOf } from "../parts/FailureText.ts"
import { Message } from "../parts/Message.tsx"
import type { PageProps } from "../parts/Page.ts"
import { Snippet } from "../parts/Snippet.tsx"
import { type Answer, send } from "../Requests.ts"
import { mapResource, useAnswer } from "../Resource.ts"
import * as Texts from "../Texts.ts"
import { Granted } from "./Granted.tsx"
import { People } from "./People.tsx"

type Share = Answer<"GET /v1/owner/sites/:site_id/shares">["shares"][number]

const Dashboards = ({ site }: { readonly site: Site }) => {
  const [label, setLabel] = useState("")
  const [expiry, setExpiry] = useState("")
  const [password, setPassword] = useState("")
  const [isExact, setExact] = useState(false)
  const [url, setUrl] = useState<string | null>(null)
  const created = useRef<HTMLDivElement>(null)
  // The form may be at the end of the visible part of the page.
  useLayoutEffect(() => {
    if (url !== null) created.current?.scrollIntoView({ block: "nearest" })
  }, [url])
  const creation = useChange("POST /v1/owner/sites/:site_id/shares")
  const params = { site_id: site.site_id }
  const time = (text: string) => Format.arrival(text, { now: Date.now(), timeZone: site.time_zone })
  const detailsOf = ({ created_at, expires_at, has_password, numbers }: Share): string =>
    [
      Texts.dashboards.numbers[numbers],
      ...(has_password ? [Texts.dashboards.hasPassword] : []),
      expires_at === null
        ? Texts.dashboards.since(time(created_at))
        : Texts.dashboards.until(time(created_at), Format.day(Date.parse(expires_at)))
    ].join(" · ")
  const grants = mapResource(useAnswer("GET /v1/owner/sites/:site_id/shares", { params }, site.site_id), ({ shares }) =>
    shares.map((share) => ({
      id: share.share_id,
      name: share.label ?? Texts.dashboards.unnamed,
      details: detailsOf(share),
      isOwn: false
    }))
  )

  const create = (event: Event) => {
    event.preventDefault()
    const name = label.trim()
    const body = {
      numbers: isExact ? "exact" : "protected",
      ...(name !== "" && { label: name }),
      ...(password !== "" && { password }),
      ...(expiry !== "" && { expires_at: Expiry.endOf(expiry) })
    } as const
    creation.run({ params, body }, ({ path }) => {
      setUrl(location.origin + path)
      setLabel("")
      setExpiry("")
      setPassword("")
    })
  }

  const end = async (id: string) => {
    const outcome = await send("DELETE /v1/owner/sites/:site_id/shares/:share_id", {
      params: { ...params, share_id: id }
    })
    reloadData()
    return outcome.ok ? undefined : outcome.failure
  }

  return (
    <section aria-labelledby="dashboards">
      <h2 id="dashboards">{Texts.dashboards.title}</h2>
      <p class="muted">{Texts.dashboards.note}</p>
      <form class="grant" onSubmit={create}>
        <label>
          {Texts.dashboards.name}
          <input
            type="text"
            maxLength={200}
            autocomplete="off"
            value={label}
            onInput={({ currentTarget }) => setLabel(currentTarget.value)}
          />
        </label>
        <label>
          {Texts.dashboards.expiry}
          <input type="date" value={expiry} onInput={({ currentTarget }) => setExpiry(currentTarget.value)} />
        </label>
        <label>
          {Texts.dashboards.shows}
          <select value={String(isExact)} onChange={({ currentTarget }) => setExact(currentTarget.value === "true")}>
            <option value="false">{Texts.dashboards.numbers.protected}</option>
            <option value="true">{Texts.dashboards.numbers.exact}</option>
          </select>
        </label>
        <label>
          {Texts.dashboards.password}
          <input
            type="text"
            minLength={8}
            maxLength={200}
            autocomplete="off"
            value={password}
            onInput={({ currentTarget }) => setPassword(currentTarget.value)}
          />
        </label>
        <button type="submit" class="button primary" disabled={creation.isBusy}>
          {Texts.dashboards.create}
        </button>
      </form>
      <div role="status" ref={created}>
        {creation.failure !== undefined && <p class="bad">{messageOf(creation.failure)}</p>}
        {url !== null && (
          <>
            <p>{Texts.dashboards.created}</p>
            <Snippet text={url} />
          </>
        )}
      </div>
      <Granted grants={grants} words={Texts.dashboards} onEnd={end} />
    </section>
  )
}

export const Sharing = ({ isOwner, ...page }: PageProps) =>
  isOwner ? (
    <div class="sharing">
      <h1 class="sr-only">{Texts.pages.sharing}</h1>
      <People {...page} />
      <Dashboards site={page.site} />
    </div>
  ) : (
    <Message title={Texts.onlyOwners.title}>
      <p>{Texts.onlyOwners.body}</p>
    </Message>
  )
