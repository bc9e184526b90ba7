/**
 * The console: its session, the websites, and the page that the address names.
 *
 * @module
 */

import type { ComponentType } from "preact"
import { useEffect } from "preact/hooks"
import * as Address from "./Address.ts"
import { connection, isSignedOut } from "./Connection.ts"
import { Bar } from "./frame/Bar.tsx"
import { Ended } from "./frame/Ended.tsx"
import { Link, SignedOut } from "./frame/Entry.tsx"
import { Notice } from "./frame/Notice.tsx"
import { go, useAddress } from "./Location.ts"
import { Overview } from "./overview/Overview.tsx"
import { lazy } from "./parts/Lazy.tsx"
import { Message } from "./parts/Message.tsx"
import type { PageProps } from "./parts/Page.ts"
import { Snippet } from "./parts/Snippet.tsx"
import { useAnswer } from "./Resource.ts"
import { useStore } from "./Store.ts"
import { Shared } from "./shared/Shared.tsx"
import { NewSiteButton } from "./sites/NewSiteButton.tsx"
import { SiteList } from "./sites/SiteList.tsx"
import * as Texts from "./Texts.ts"

const NoSites = ({ canCreate }: { readonly canCreate: boolean }) => (
  <Message title={Texts.noSites.title}>
    <p>{Texts.noSites.body}</p>
    {canCreate && (
      <p>
        <NewSiteButton />
      </p>
    )}
    <Snippet text={Texts.noSites.command} />
    <p>{Texts.noSites.after}</p>
  </Message>
)

/** The pages by their names in the address. All but the overview are loaded when they are opened. */
const pages: Readonly<Record<keyof typeof Texts.pages, ComponentType<PageProps>>> = {
  overview: Overview,
  conversations: lazy(() => import("./conversations/Conversations.tsx").then(({ Conversations }) => Conversations)),
  sharing: lazy(() => import("./sharing/Sharing.tsx").then(({ Sharing }) => Sharing)),
  live: lazy(() => import("./live/Live.tsx").then(({ Live }) => Live)),
  setup: lazy(() => import("./setup/SetUp.tsx").then(({ SetUp }) => SetUp)),
  inbox: lazy(() => import("./inbox/Inbox.tsx").then(({ Inbox }) => Inbox))
}

const isPage = (name: string): name is keyof typeof pages => Object.hasOwn(pages, name)

export const App = () => {
  const { share } = useAddress()
  return share === null ? <Console /> : <Shared key={share} secret={share} />
}

const Console = () => {
  const address = useAddress()
  const page = isPage(address.page) ? address.page : "overview"
  const session = useAnswer("GET /v1/owner/session", address.link === null ? {} : null)
  const needsSignIn = session.value === undefined && session.failure?.kind === "signed-out"
  // The websites are requested in parallel with the session.
  const isOpen = address.link === null && !needsSignIn
  const isEnded = isSignedOut(useStore(connection)) && isOpen && session.value !== undefined
  const { value } = useAnswer("GET /v1/owner/sites", isOpen ? {} : null)
  const sites = value?.sites ?? []
  // With one website, there is nothing to choose.
  const only = sites.length === 1 ? sites[0] : undefined
  const site = address.site === null ? only : sites.find(({ site_id }) => site_id === address.site)

  useEffect(() => {
    if (address.site === null && only !== undefined) go({ site: only.site_id }, { replace: true })
  }, [address.site, only])

  useEffect(() => {
    document.title = isEnded
      ? Texts.title(undefined, Texts.ended.title)
      : Texts.title(site?.name, site === undefined ? Texts.sites.title : Texts.pages[page])
  }, [isEnded, site, page])

  const canCreate = session.value?.role !== "viewer" && session.value?.sites === "all"

  const content = () => {
    if (address.link !== null) return <Link key={address.link} secret={address.link} />
    if (needsSignIn) return <SignedOut />
    if (session.value === undefined && session.failure === undefined) return null
    if (site !== undefined) {
      const Page = pages[page]
      // If the session cannot be read, the page assumes an owner: the service refuses what the person may not do.
      return (
        <Page
          key={site.site_id}
          site={site}
          sites={sites}
          isOwner={session.value?.role !== "viewer"}
          reachesAll={session.value?.sites === "all"}
        />
      )
    }
    if (value === undefined) return null
    if (sites.length === 0) return <NoSites canCreate={canCreate} />
    return address.site === null ? (
      <SiteList sites={sites} canCreate={canCreate} />
    ) : (
      <Message title={Texts.noSite.title}>
        <p>{Texts.failures["not-found"]}</p>
        <p>
          <a class="button" href={Address.format(Address.initial)}>
            {Texts.sites.all}
          </a>
        </p>
      </Message>
    )
  }
  return (
    <>
      {isEnded ? (
        <Bar sites={[]} site={undefined} session={undefined} />
      ) : (
        <Bar sites={sites} site={site} session={session.value} />
      )}
      <main id="content" tabIndex={-1} hidden={isEnded}>
        <Notice />
        {content()}
      </main>
      {isEnded && <Ended />}
    </>
  )
}
