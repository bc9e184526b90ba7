/**
 * What is shown in place of a page or of a part of one: a message if there is no data yet, a problem if loading failed.
 *
 * @module
 */
import type { ComponentChildren } from "preact"
import { connection, isSignedOut, reloadData } from "../Connection.ts"
import * as Format from "../Format.ts"
import { linkTo, useAddress } from "../Location.ts"
import type { Failure, FailureKind } from "../Requests.ts"
import { useStore } from "../Store.ts"
import * as Texts from "../Texts.ts"
import { OnCommandLine } from "./Snippet.tsx"

/** Failures for which the same request gets the same answer. */
const permanent: ReadonlyArray<FailureKind> = ["not-found", "invalid", "conflict", "signed-out", "locked"]

/** What the reader of the page can do about each kind of failure. */
export const useFailures = (): Readonly<Record<FailureKind, string>> => {
  const { share } = useAddress()
  return share === null ? Texts.failures : Texts.guestFailures
}

const TryAgain = ({ failure }: { readonly failure: Failure }) =>
  permanent.includes(failure.kind) ? null : (
    <button type="button" class="button" onClick={reloadData}>
      {Texts.frame.again}
    </button>
  )

interface ProblemProps {
  readonly failure: Failure
  /** The text if what was to be loaded does not exist. The default is about a website. */
  readonly gone?: string
}

/** Why something was not loaded, with a button that loads it again if that can help. */
export const Problem = ({ failure, gone }: ProblemProps) => {
  const failures = useFailures()
  return (
    <div class="none problem">
      <p>{failure.kind === "not-found" ? (gone ?? failures["not-found"]) : failures[failure.kind]}</p>
      <TryAgain failure={failure} />
    </div>
  )
}

/** The same for a whole page. */
export const PageProblem = ({ failure }: Pick<ProblemProps, "failure">) => (
  <Message title={Texts.frame.notLoaded}>
    <p>{useFailures()[failure.kind]}</p>
    <p>
      <TryAgain failure={failure} />
    </p>
  </Message>
)

/**
 * Shown instead of a page that is loading or could not be loaded. Without a connection it looks as if it loads, because the
 * notice above the page says what is wrong.
 */
export const PagePending = ({ failure }: { readonly failure: Failure | undefined }) =>
  failure === undefined || failure.kind === "offline" ? (
    <div class="loading" aria-busy="true" />
  ) : (
    <PageProblem failure={failure} />
  )

interface SetUpProps {
  readonly label: string
  readonly section: string
  /** Does the same without the console. */
  readonly command: string
}

/** A link from an empty page to the section of the settings that helps to fill it. */
export const SetUpLink = ({ command, label, section }: SetUpProps) => (
  <>
    <p>
      <a class="button primary large" href={linkTo({ page: "setup", item: section, view: {} })}>
        {label}
      </a>
    </p>
    <OnCommandLine command={command} />
  </>
)

/** A link from an empty page to the tags of the website. */
export const InstallLink = ({
  instanceId,
  label,
  siteId
}: {
  readonly label: string
  readonly siteId: string
  /** The assistant whose chat is missing. */
  readonly instanceId?: string
}) => (
  <SetUpLink
    label={label}
    section="install"
    command={`hydracore site snippet --site ${siteId} --base-url ${location.origin}${instanceId === undefined ? "" : ` --instance ${instanceId} --issue-token`}`}
  />
)

/** Two bars in place of the title and the facts of a row whose list is loading. */
export const SkeletonLines = () => (
  <div class="lines" aria-hidden="true">
    <span class="skeleton" />
    <span class="skeleton" />
  </div>
)

interface Props {
  readonly title: string
  readonly children?: ComponentChildren
}

export const Message = ({ children, title }: Props) => (
  <section class="message">
    <h1>{title}</h1>
    {children}
  </section>
)

interface AlertProps {
  /** Absent if there is nothing to say. */
  readonly text: string | undefined
  /** Whether it stands above a whole list. */
  readonly isOfList?: boolean
}

/** Says what went wrong as soon as it does. */
export const Alert = ({ isOfList = false, text }: AlertProps) =>
  text === undefined ? null : (
    <p class={isOfList ? "bad failed" : "bad"} role="alert">
      {text}
    </p>
  )

/** Shows that the service does not answer, and how old the data on the page is. */
export const Notice = () => {
  const state = useStore(connection)
  const { failure, succeededAt } = state
  const failures = useFailures()
  return (
    <div class="notice" role="status">
      {failure !== null && !isSignedOut(state) && (
        <p>
          {failures[failure.kind]} {succeededAt !== null && Texts.stale(Format.clock(succeededAt))}
        </p>
      )}
    </div>
  )
}
