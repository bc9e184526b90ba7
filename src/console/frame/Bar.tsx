/**
 * The bar at the top: the website, its pages, the theme, and the session.
 *
 * @module
 */
import { useState } from "preact/hooks"
import * as Address from "../Address.ts"
import * as Format from "../Format.ts"
import { go, linkTo, useAddress } from "../Location.ts"
import { around } from "../parts/Choices.ts"
import { Icon, Mark } from "../parts/Icon.tsx"
import { lazy } from "../parts/Lazy.tsx"
import { Menu } from "../parts/Menu.tsx"
import { focusPage } from "../parts/Panes.ts"
import { useRevealed } from "../parts/Reveal.ts"
import { type Answer, send } from "../Requests.ts"
import * as Roles from "../Roles.ts"
import { useStore } from "../Store.ts"
import { NewSite } from "../sites/NewSiteButton.tsx"
import * as Texts from "../Texts.ts"
import * as Theme from "../Theme.ts"

export type Site = Answer<"GET /v1/owner/sites">["sites"][number]

/**
 * The address of another website, on the same page: without the parts that hold ids and names of the current website. In the
 * settings, the open item is a section, which every website has.
 */
const ofSite = (siteId: string, page: string): Partial<Address.Address> => ({
  site: siteId,
  filters: [],
  list: null,
  view: {},
  ...(page !== "setup" && { item: null })
})

export const ThemeMenu = () => {
  const choice = useStore(Theme.choice)
  return (
    <Menu
      label={Texts.frame.theme}
      side="end"
      hasChevron={false}
      className="theme"
      choices={Theme.choices.map((value) => ({
        value,
        label: Texts.frame.themes[value],
        isCurrent: value === choice
      }))}
      onChoose={Theme.choose}
    >
      <Icon name={choice} />
    </Menu>
  )
}

type Session = Answer<"GET /v1/owner/session">

type Counts = Answer<"GET /v1/owner/attention/counts">

const end = async () => {
  await send("DELETE /v1/owner/session", {})
  location.reload()
}

const Account = lazy(() => import("./Account.tsx").then(({ Account }) => Account))

const SessionMenu = ({ onOpen, session }: { readonly session: Session; readonly onOpen: () => void }) => (
  <Menu
    label={`${Texts.session.label}: ${Texts.session.roles[Roles.highest(session.roles)]}`}
    side="end"
    hasChevron={false}
    note={
      session.person?.name ?? session.person?.email ?? Texts.session.ends(Format.day(Date.parse(session.expires_at)))
    }
    choices={[
      { value: onOpen, label: Texts.account.title },
      { value: end, label: Texts.session.end }
    ]}
    onChoose={(act) => void act()}
  >
    <Icon name="person" />
  </Menu>
)

interface CountProps {
  readonly count: number | undefined
  readonly label: (count: number) => string
}

/** A count that is not 0. */
const Count = ({ count = 0, label }: CountProps) =>
  count === 0 ? null : (
    <span class="count">
      <span aria-hidden="true" dir="ltr">
        {Texts.shortCount(count)}
      </span>
      <span class="sr-only">{label(count)}</span>
    </span>
  )

/** What waits on the page with this name. */
const CountOf = ({ counts, page }: { readonly counts: Counts | undefined; readonly page: string }) =>
  page === "inbox" ? (
    <Count count={counts?.unread} label={Texts.unread} />
  ) : page === "conversations" ? (
    <Count count={counts?.waiting} label={Texts.waiting} />
  ) : null

/** The pages of all websites, with their addresses. */
const allPages = [
  ["sites", Texts.sites.title, Address.initial],
  ...(["inbox", "conversations"] as const).map(
    (page) => [page, Texts.pages[page], { ...Address.initial, site: Address.allSites, page }] as const
  )
] as const

/** The maximum number of websites in the menu. The list of all websites, which a longer list makes searchable, is first. */
const maxInMenu = 8

interface Props {
  /** Undefined without a session, and while it is loading. */
  readonly session: Session | undefined
  readonly sites: ReadonlyArray<Site>
  readonly site: Site | undefined
  /** Whether the person may create websites. */
  readonly canCreate: boolean
  /** What waits on the website, or on all websites. */
  readonly counts?: Counts | undefined
}

export const Bar = ({ canCreate, counts, session, site, sites }: Props) => {
  const address = useAddress()
  const { page } = address
  const isOwner = session === undefined || Roles.roleFor(session.roles, site?.site_id ?? "") === "owner"
  const [isAccountOpen, setAccountOpen] = useState(false)
  // Closed with the page that it was opened on.
  const [creatingAt, setCreatingAt] = useState<Address.Address | null>(null)
  const pages = Object.entries(Texts.pages).filter(([name]) => name !== "sharing" || isOwner)
  const row = useRevealed(`${site?.site_id} ${page}`)
  const toPage = (siteId: string, name: string) => linkTo({ ...Address.initial, site: siteId, page: name })
  const currentIf = (name: string) => (name === page ? ("page" as const) : undefined)
  return (
    <>
      <header class="bar">
        <button type="button" class="skip" onClick={focusPage}>
          {Texts.frame.skip}
        </button>
        <a class="home" href={Address.format(Address.initial)} aria-label={Texts.sites.all}>
          <Mark />
        </a>
        {site === undefined ? (
          <>
            <b>{Texts.app}</b>
            {sites.length > 0 && (
              <nav aria-label={Texts.frame.pages}>
                {allPages.map(([name, title, to]) => (
                  <a
                    key={name}
                    href={Address.format(to)}
                    aria-current={name === (address.site === null ? "sites" : page) ? "page" : undefined}
                  >
                    {title}
                    <CountOf counts={counts} page={name} />
                  </a>
                ))}
              </nav>
            )}
          </>
        ) : (
          <>
            <Menu
              label={`${Texts.frame.sites}: ${site.name}`}
              className="sites"
              choices={[
                { value: () => go(Address.initial), label: Texts.sites.all },
                ...(canCreate ? [{ value: () => setCreatingAt(address), label: Texts.sites.create }] : []),
                ...around(sites, sites.indexOf(site), maxInMenu).map(({ name, site_id }, index) => ({
                  value: () => go(ofSite(site_id, page)),
                  label: name,
                  isCurrent: site_id === site.site_id,
                  hasSeparator: index === 0
                }))
              ]}
              onChoose={(act) => act()}
            >
              <b dir="auto">{site.name}</b>
            </Menu>
            <nav aria-label={Texts.frame.pages} ref={row}>
              {pages.map(([name, title]) => (
                <a key={name} class={`to-${name}`} href={toPage(site.site_id, name)} aria-current={currentIf(name)}>
                  {title}
                  <CountOf counts={counts} page={name} />
                </a>
              ))}
            </nav>
          </>
        )}
        <div class="bar-end">
          {site !== undefined && (
            <a class="button narrow-setup" href={toPage(site.site_id, "setup")} aria-current={currentIf("setup")}>
              <Icon name="setup" />
              {Texts.pages.setup}
            </a>
          )}
          <ThemeMenu />
          {session !== undefined && <SessionMenu session={session} onOpen={() => setAccountOpen(true)} />}
        </div>
      </header>
      {isAccountOpen && session !== undefined && <Account session={session} onClose={() => setAccountOpen(false)} />}
      {creatingAt === address && <NewSite onClose={() => setCreatingAt(null)} />}
    </>
  )
}
