/**
 * The script of `/console`.
 *
 * @module
 */
import { type ComponentChildren, type ComponentType, render } from "preact"
import { useEffect, useErrorBoundary } from "preact/hooks"
import * as Address from "./Address.ts"
import type { AllPageProps } from "./all/Page.tsx"
import { connection, isSignedOut, reloadData } from "./Connection.ts"
import { Bar } from "./frame/Bar.tsx"
import { Link } from "./frame/Entry.tsx"
import { Ended, SignedOut } from "./frame/Login.tsx"
import { Shortcuts } from "./frame/Shortcuts.tsx"
import { go, isPlain, useAddress } from "./Location.ts"
import { Overview } from "./overview/Overview.tsx"
import { lazy } from "./parts/Lazy.tsx"
import { Message, Notice, PagePending } from "./parts/Message.tsx"
import type { PageProps } from "./parts/Page.ts"
import { OnCommandLine } from "./parts/Snippet.tsx"
import type { Answer } from "./Requests.ts"
import { useAnswer } from "./Resource.ts"
import * as Roles from "./Roles.ts"
import { useStore } from "./Store.ts"
import { Shared } from "./shared/Shared.tsx"
import { NewSiteButton } from "./sites/NewSiteButton.tsx"
import { SiteList } from "./sites/SiteList.tsx"
import * as Texts from "./Texts.ts"

const FirstSite = () => (
  <Message title={Texts.firstSite.title}>
    <p>{Texts.firstSite.body}</p>
    <p>
      <NewSiteButton isFirst />
    </p>
    <OnCommandLine command={Texts.firstSite.command}>
      <p>{Texts.firstSite.after}</p>
    </OnCommandLine>
  </Message>
)

const NoSites = () => (
  <Message title={Texts.noSites.title}>
    <p>{Texts.noSites.body}</p>
  </Message>
)

const lists = () => import("./all/Lists.ts")

/** The pages by their names in the address. All but the overview are loaded when they are opened. */
const pages: Readonly<Record<keyof typeof Texts.pages, ComponentType<PageProps>>> = {
  overview: Overview,
  conversations: lazy(() => lists().then(({ Conversations }) => Conversations)),
  sharing: lazy(() => import("./sharing/Sharing.tsx").then(({ Sharing }) => Sharing)),
  live: lazy(() => import("./live/Live.tsx").then(({ Live }) => Live)),
  setup: lazy(() => import("./setup/SetUp.tsx").then(({ SetUp }) => SetUp)),
  inbox: lazy(() => lists().then(({ Inbox }) => Inbox))
}

/** The pages of all websites, by their names in the address. */
const allPages: Readonly<Record<string, ComponentType<AllPageProps>>> = {
  inbox: lazy(() => lists().then(({ AllInbox }) => AllInbox)),
  conversations: lazy(() => lists().then(({ AllConversations }) => AllConversations))
}

const isPage = (name: string): name is keyof typeof pages => Object.hasOwn(pages, name)

const App = () => {
  const { item, link, share } = useAddress()
  const [error] = useErrorBoundary((thrown) => reportError(thrown))
  if (error !== undefined) return <Failed />
  if (share !== null) return <Shared key={share} secret={share} />
  return link === null ? (
    <Console />
  ) : (
    <Frame>
      <Link key={link} secret={link} page={item} />
    </Frame>
  )
}

/** Shown instead of everything if a component throws an error. */
const Failed = () => (
  <main id="content" tabIndex={-1}>
    <Message title={Texts.frame.broken}>
      <p>{Texts.failures.defect}</p>
      <p>
        <button type="button" class="button" onClick={() => location.reload()}>
          {Texts.frame.reload}
        </button>
      </p>
    </Message>
  </main>
)

/** The console without a session. */
const Frame = ({ children }: { readonly children: ComponentChildren }) => (
  <>
    <Bar sites={[]} site={undefined} session={undefined} canCreate={false} />
    <main id="content" tabIndex={-1}>
      <Notice />
      {children}
    </main>
  </>
)

/**
 * Requests the session. All other requests are sent by components inside `Session`: before the session is known, they could be
 * refused, because the answer to this request can open the session.
 */
const Console = () => {
  const { failure, value: session } = useAnswer("GET /v1/owner/session", {})
  if (session !== undefined) return <Session session={session} />
  return <Frame>{failure?.kind === "signed-out" ? <SignedOut /> : <PagePending failure={failure} />}</Frame>
}

const NoSuchSite = () => (
  <Message title={Texts.noSite.title}>
    <p>{Texts.failures["not-found"]}</p>
    <p>
      <a class="button" href={Address.format(Address.initial)}>
        {Texts.sites.all}
      </a>
    </p>
  </Message>
)

/** The maximum number of websites that one request lists. */
const maxListed = 100

/** What is new: on a page of one kind, the number that the navigation shows beside its name. */
const newOf = (page: string, { unread, waiting } = { unread: 0, waiting: 0 }): number =>
  page === "inbox" ? unread : page === "conversations" ? waiting : unread + waiting

/** The websites of a session, and the page that the address names. */
const Session = ({ session }: { readonly session: Answer<"GET /v1/owner/session"> }) => {
  const address = useAddress()
  const page = isPage(address.page) ? address.page : "overview"
  const isEnded = isSignedOut(useStore(connection))
  const isOfAll = address.site === Address.allSites
  const AllPage = isOfAll ? allPages[page] : undefined
  const first = useAnswer("GET /v1/owner/sites", { query: { limit: maxListed } })
  const listed = first.value?.sites ?? []
  const isListed = listed.some(({ site_id }) => site_id === address.site)
  // The website may be new, or in a later part of the list.
  const unlisted = useAnswer(
    "GET /v1/owner/sites/:site_id",
    address.site === null || isOfAll || isListed || first.value === undefined
      ? null
      : { params: { site_id: address.site } },
    address.site ?? ""
  )
  const sites = isListed || unlisted.value === undefined ? listed : [...listed, unlisted.value]
  const hasMoreSites = first.value !== undefined && first.value.next !== null
  const isNew = unlisted.value !== undefined && !hasMoreSites
  useEffect(() => {
    if (isNew) reloadData()
  }, [isNew])
  // With one website, there is nothing to choose when the console is opened.
  const only = listed.length === 1 && isPlain() ? listed[0] : undefined
  const site = address.site === null ? only : sites.find(({ site_id }) => site_id === address.site)

  useEffect(() => {
    if (only !== undefined) go({ site: only.site_id }, { replace: true })
  }, [only])

  // Each view of a page loads its list, so the counts are loaded with it: otherwise they could miss what the list shows.
  const { value: counts } = useAnswer(
    "GET /v1/owner/attention/counts",
    isEnded || first.value === undefined ? null : { query: site === undefined ? {} : { site_id: site.site_id } },
    JSON.stringify([site?.site_id, page, address.view])
  )
  const newCount = newOf(page, counts)
  const title = site === undefined && AllPage === undefined ? Texts.sites.title : Texts.pages[page]
  useEffect(() => {
    document.title = isEnded
      ? Texts.title(undefined, Texts.ended.title)
      : Texts.withCount(newCount, Texts.title(site?.name, title))
  }, [isEnded, newCount, site, title])

  const canCreate = Roles.ownsAll(session.roles)

  const content = () => {
    if (site !== undefined) {
      const Page = pages[page]
      const role = Roles.roleFor(session.roles, site.site_id)
      return (
        <Page
          key={site.site_id}
          site={site}
          sites={sites}
          hasMoreSites={hasMoreSites}
          isOwner={Roles.includes(role, "owner")}
          isMember={Roles.includes(role, "member")}
          reachesAll={canCreate}
        />
      )
    }
    if (first.value === undefined) return <PagePending failure={first.failure} />
    if (AllPage !== undefined) return <AllPage sites={listed} hasMoreSites={hasMoreSites} roles={session.roles} />
    if (address.site !== null && !isOfAll) {
      return unlisted.failure?.kind === "not-found" ? <NoSuchSite /> : <PagePending failure={unlisted.failure} />
    }
    if (listed.length > 0) return <SiteList count={hasMoreSites ? undefined : listed.length} canCreate={canCreate} />
    return canCreate ? <FirstSite /> : <NoSites />
  }
  return (
    <>
      {isEnded ? (
        <Bar sites={[]} site={undefined} session={undefined} canCreate={false} />
      ) : (
        <Bar sites={sites} site={site} session={session} canCreate={canCreate} counts={counts} />
      )}
      <main id="content" tabIndex={-1} hidden={isEnded}>
        <Notice />
        {content()}
      </main>
      {isEnded ? <Ended /> : <Shortcuts />}
    </>
  )
}

render(<App />, document.body)
