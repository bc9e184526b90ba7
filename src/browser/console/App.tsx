/**
 * The console: who opens it, the websites, and the page that the address names.
 *
 * @module
 */
import { useEffect } from "preact/hooks"
import { Bar } from "./frame/Bar.tsx"
import { Notice } from "./frame/Notice.tsx"
import { go, useAddress } from "./Location.ts"
import { Overview } from "./overview/Overview.tsx"
import { Message } from "./parts/Message.tsx"
import { Snippet } from "./parts/Snippet.tsx"
import { useAnswer } from "./Resource.ts"
import * as Texts from "./Texts.ts"

const SignedOut = () => (
  <Message title={Texts.signedOut.title}>
    <p>{Texts.signedOut.body}</p>
    <Snippet text={Texts.signedOut.command} />
    <p>{Texts.signedOut.after}</p>
  </Message>
)

const NoSites = () => (
  <Message title={Texts.noSites.title}>
    <p>{Texts.noSites.body}</p>
    <Snippet text={Texts.noSites.command} />
    <p>{Texts.noSites.after}</p>
  </Message>
)

export const App = () => {
  const address = useAddress()
  const { failure, value } = useAnswer("GET /v1/owner/sites", {})
  const sites = value?.sites ?? []
  const site = sites.find(({ site_id }) => site_id === address.site) ?? (address.site === null ? sites[0] : undefined)

  useEffect(() => {
    if (address.site === null && site !== undefined) go({ site: site.site_id }, { replace: true })
  }, [address.site, site])

  useEffect(() => {
    document.title = Texts.title(site?.name, Texts.pages.overview)
  }, [site])

  const isSignedOut = failure?.kind === "signed-out"
  return (
    <>
      <Bar sites={sites} site={isSignedOut ? undefined : site} />
      <main id="content" tabIndex={-1}>
        {isSignedOut ? (
          <SignedOut />
        ) : (
          <>
            <Notice />
            {site !== undefined ? (
              <Overview key={site.site_id} site={site} />
            ) : value === undefined ? null : sites.length === 0 ? (
              <NoSites />
            ) : (
              <Message title={Texts.failures["not-found"]} />
            )}
          </>
        )}
      </main>
    </>
  )
}
