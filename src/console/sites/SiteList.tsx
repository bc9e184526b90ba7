/**
 * The websites of a session, each with its visitors of yesterday and what waits for somebody. Those that need attention come first.
 *
 * @module
 */
import * as Address from "../Address.ts"
import * as Format from "../Format.ts"
import { go, useAddress } from "../Location.ts"
import { Change } from "../overview/Totals.tsx"
import { Icon } from "../parts/Icon.tsx"
import { PagedList } from "../parts/PagedList.tsx"
import { Search, useTyped } from "../parts/Search.tsx"
import type { Answer } from "../Requests.ts"
import { mapResource, useAnswer } from "../Resource.ts"
import * as Texts from "../Texts.ts"
import { NewSiteButton } from "./NewSiteButton.tsx"

type Site = Answer<"GET /v1/owner/attention">["sites"][number]

/** A list of more websites has a search field. */
const maxWithoutSearch = 8

const linkOf = (site: Site, page: string, view: Address.Address["view"] = {}): string =>
  Address.format({ ...Address.initial, site: site.site_id, page, view })

/** What waits for somebody, each with the page that shows it. */
const Waiting = ({ site }: { readonly site: Site }) => {
  const { problems, unread, waiting } = site
  const [problem, ...more] = problems ?? []
  return (
    <span class="site-state">
      {problem !== undefined && (
        <a class="chip bad" href={linkOf(site, "overview")}>
          {Texts.sites.problems[problem.kind]}
          {more.length > 0 && ` ${Texts.sites.moreProblems(more.length)}`}
        </a>
      )}
      {unread !== null && unread > 0 && (
        <a class="chip" href={linkOf(site, "inbox", { unread: "yes" })}>
          {Texts.sites.unread(unread)}
        </a>
      )}
      {waiting !== null && waiting > 0 && (
        <a class="chip" href={linkOf(site, "conversations", { show: "unanswered" })}>
          {Texts.sites.waiting(waiting)}
        </a>
      )}
    </span>
  )
}

const Row = ({ site }: { readonly site: Site }) => {
  const { last_seen_at, name, visitors } = site
  return (
    <li class="site-row">
      <span class="site-name">
        <a class="site" href={linkOf(site, "overview")}>
          {site.needs_attention && <i class={`dot ${(site.problems ?? []).length > 0 ? "bad" : ""}`} />}
          <b dir="auto">{name}</b>
        </a>
        <span class="muted">
          {last_seen_at === null
            ? visitors === null
              ? Texts.sites.noStatistics
              : Texts.sites.neverSeen
            : Texts.sites.seen(Format.ago(last_seen_at, Date.now()))}
        </span>
      </span>
      <Waiting site={site} />
      <span class="number">
        {visitors === null ? Format.metric("visitors", undefined) : Format.shortCount(visitors.visitors)}{" "}
        <span class="sr-only">{Texts.sites.visitors}</span>
      </span>
      <span class="number">
        {visitors !== null && visitors.visitors + visitors.before > 0 && (
          <Change metric="visitors" value={visitors.visitors} before={visitors.before} change={visitors.change} />
        )}
      </span>
      <Icon name="next" />
    </li>
  )
}

/** Keeps the search and the number of parts in the address, so that the browser's Back button restores them. */
const show = (search: string, parts: number): void =>
  go({ view: { ...(search !== "" && { search }), ...(parts > 1 && { parts: String(parts) }) } }, { replace: true })

interface Props {
  /** The number of the session's websites; undefined if they are more than one request lists. */
  readonly count: number | undefined
  /** Whether the person may create websites. */
  readonly canCreate: boolean
}

export const SiteList = ({ canCreate, count }: Props) => {
  const { view } = useAddress()
  const search = view["search"] ?? ""
  const [typed, setTyped] = useTyped(search, (search) => show(search, 1))
  const text = search.trim()
  const useItems = (cursor: string | undefined) => {
    const query = { ...(text !== "" && { search: text }), ...(cursor !== undefined && { cursor }) }
    const answer = useAnswer("GET /v1/owner/attention", { query }, "sites")
    return mapResource(answer, ({ next, sites }) => ({ items: sites, next }))
  }
  return (
    <div class="site-list">
      <header>
        <div>
          <h1>{Texts.sites.title}</h1>
          <p class="muted">{Texts.sites.note}</p>
        </div>
        {canCreate && <NewSiteButton />}
      </header>
      {(count === undefined || count > maxWithoutSearch) && (
        <Search label={Texts.sites.find} value={typed} onInput={setTyped} />
      )}
      {/* Rows name their numbers themselves. */}
      <div class="site-heads" aria-hidden="true">
        <span>{Texts.sites.heads.name}</span>
        <span class="number">{Texts.sites.heads.visitors}</span>
        <span class="number">{Texts.sites.heads.change}</span>
      </div>
      <PagedList<Site>
        key={text}
        class="sites-found"
        label={Texts.sites.title}
        more={Texts.sites.more}
        firstParts={Number.parseInt(view["parts"] ?? "", 10) || 1}
        onMore={(parts) => show(search, parts)}
        useItems={useItems}
        row={(site) => <Row key={site.site_id} site={site} />}
        empty={<p class="none">{Texts.sites.noMatch}</p>}
      />
    </div>
  )
}
