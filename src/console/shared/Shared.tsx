/**
 * A shared dashboard: the overview of one website, without the rest of the console, for anyone with the dashboard's address.
 *
 * @module
 */
import { useEffect, useState } from "preact/hooks"
import { ThemeMenu } from "../frame/Bar.tsx"
import { Overview } from "../overview/Overview.tsx"
import { useChange } from "../parts/Change.ts"
import { Mark } from "../parts/Icon.tsx"
import { Message, Notice, PagePending } from "../parts/Message.tsx"
import { focusPage } from "../parts/Panes.ts"
import { authorizeShared } from "../Requests.ts"
import { useAnswer } from "../Resource.ts"
import * as Texts from "../Texts.ts"

/** Asks for the dashboard's password, once: the answer sets a cookie. */
const Password = ({ secret }: { readonly secret: string }) => {
  const [password, setPassword] = useState("")
  const unlocking = useChange("POST /v1/owner/shared/password")
  const { failure } = unlocking
  return (
    <Message title={Texts.shared.locked}>
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault()
          unlocking.run({ body: { secret, password } }, () => {})
        }}
      >
        <label class="field">
          {Texts.shared.password}
          <input
            type="password"
            required
            autocomplete="current-password"
            value={password}
            onInput={({ currentTarget }) => setPassword(currentTarget.value)}
          />
        </label>
        <button type="submit" class="button primary" aria-disabled={unlocking.isBusy}>
          {Texts.shared.unlock}
        </button>
      </form>
      <p class="bad" role="alert">
        {failure &&
          (failure.kind === "locked"
            ? Texts.shared.wrong
            : failure.kind === "too-many"
              ? Texts.shared.guessed
              : Texts.guestFailures[failure.kind])}
      </p>
    </Message>
  )
}

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
        <button type="button" class="skip" onClick={focusPage}>
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
        ) : failure?.kind === "locked" ? (
          <Password secret={secret} />
        ) : site === undefined ? (
          <PagePending failure={failure} />
        ) : (
          <>
            <Overview site={site} />
            {site.numbers === "protected" && <p class="muted coarse">{Texts.shared.note}</p>}
          </>
        )}
      </main>
    </>
  )
}
