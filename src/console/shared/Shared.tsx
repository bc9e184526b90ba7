/**
 * A shared dashboard: the overview of one website, without the rest of the console, for anyone with the dashboard's address.
 *
 * @module
 */
import { useEffect } from "preact/hooks"
import { ThemeMenu } from "../frame/Bar.tsx"
import { Notice } from "../frame/Notice.tsx"
import { Overview } from "../overview/Overview.tsx"
import { Mark } from "../parts/Icon.tsx"
import { Message, PagePending } from "../parts/Message.tsx"
import { authorizeShared } from "../Requests.ts"
import { useAnswer } from "../Resource.ts"
import * as Texts from "../Texts.ts"

export const Shared = ({ secret }: { readonly secret: string }) => {
  // The first request needs the secret already.
  authorizeShared(secret)
  const { failure, value: site } = useAnswer("GET /v1/owner/shared", {})
  const isUnavailable = failure?.kind === "signed-out" || failure?.kind === "not-found"

  useEffect(() => {
    document.title = Texts.title(site?.name, Texts.shared.title)
  }, [site?.name])

  return (
    <>
      <header class="bar">
        <button type="button" class="skip" onClick={() => document.getElementById("content")?.focus()}>
          {Texts.frame.skip}
        </button>
        <Mark />
        <b>
          <bdi>{site?.name ?? Texts.app}</bdi>
        </b>
        <div class="bar-end">
          <ThemeMenu />
        </div>
      </header>
      <main id="content" tabIndex={-1}>
        {!isUnavailable && <Notice />}
        {isUnavailable ? (
          <Message title={Texts.shared.unavailable}>
            <p>{Texts.shared.unavailableBody}</p>
          </Message>
        ) : site === undefined ? (
          <PagePending failure={failure} />
        ) : (
          <>
            <Overview site={site} />
            <p class="muted coarse">{Texts.shared.note}</p>
          </>
        )}
      </main>
    </>
  )
}
