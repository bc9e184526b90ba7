/**
 * The console: who opens it, the websites, and the page that the address names.
 *
 * @module
 */
import { useEffect } from "preact/hooks"
import { Bar } from "./frame/Bar.tsx"
import { Link, SignedOut } from "./frame/Entry.tsx"
import { Notice } from "./frame/Notice.tsx"
import { go, useAddress } from "./Location.ts"
import { Overview } from "./overview/Overview.tsx"
import { Message } from "./parts/Message.tsx"
import { Snippet } from "./parts/Snippet.tsx"
import { useAnswer } from "./Resource.ts"
import * as Texts from "./Texts.ts"

const NoSites = () => (
  <Message title={Texts.noSites.title}>
    <p>{Texts.noSites.body}</p>
    <Snippet text={Texts.noSites.command} />
    <p>{Texts.noSites.after}</p>
  </Message>
)

export const App = () => {
  const address = useAddress()
  const session = useAnswer("GET /v1/owner/session", address.link === null ? {} : null)
  const isSignedOut = session.failure?.kind === "signed-out"
  const isOpen = address.link === null && !isSignedOut && (session.value !== undefined || session.failure !== undefined)
  const { failure, value } = useAnswer("GET /v1/owner/sites", isOpen ? {} : null)
  const sites = value?.sites ?? []
  const site = sites.find(({ site_id }) => site_id === address.site) ?? (address.site === null ? sites[0] : undefined)

  useEffect(() => {
    if (address.site === null && site !== undefined) go({ site: site.site_id }, { replace: true })
  }, [address.site, site])

  useEffect(() => {
    document.title = Texts.title(site?.name, Texts.pages.overview)
  }, [site])

  const content = () => {
    if (address.link !== null) return <Link secret={address.link} />
    if (isSignedOut || failure?.kind === "signed-out") return <SignedOut />
    if (site !== undefined) return <Overview key={site.site_id} site={site} />
    if (value === undefined) return null
    return sites.length === 0 ? <NoSites /> : <Message title={Texts.failures["not-found"]} />
  }
  return (
    <>
      <Bar sites={sites} site={site} session={session.value} />
      <main id="content" tabIndex={-1}>
        <Notice />
        {content()}
      </main>
    </>
  )
}
