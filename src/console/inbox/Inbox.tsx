/**
 * The submissions of a website: a list, and beside it the one that is open.
 *
 * @module
 */
import { useEffect, useState } from "preact/hooks"
import { go, useAddress } from "../Location.ts"
import { DaysMenu } from "../parts/DaysMenu.tsx"
import { Confirm } from "../parts/Dialog.tsx"
import { download } from "../parts/Download.ts"
import { Icon } from "../parts/Icon.tsx"
import { Menu } from "../parts/Menu.tsx"
import { Alert, InstallLink, Message } from "../parts/Message.tsx"
import type { PageProps } from "../parts/Page.ts"
import { useIsWide, useKeptFocus } from "../parts/Panes.ts"
import { Select } from "../parts/Select.tsx"
import { NoMatch, Toggle, Toolbar } from "../parts/Toolbar.tsx"
import { addressOf } from "../Requests.ts"
import { useAnswer } from "../Resource.ts"
import * as Texts from "../Texts.ts"
import { hides } from "./Change.ts"
import { type Changes, useChanges } from "./Changes.ts"
import { Details } from "./Details.tsx"
import { Held } from "./Held.tsx"
import { List, Undo, useClosed, useLastChange } from "./List.tsx"
import * as View from "./View.ts"

interface ToolbarProps {
  readonly siteId: string
  readonly timeZone: string
  readonly view: View.View
  readonly quarantinedCount: number
  readonly forms: ReadonlyArray<string>
  /** Called to show what is marked as spam. */
  readonly onHeld: () => void
}

/** Chooses which submissions are listed, and exports them. */
const InboxToolbar = ({ forms, onHeld, quarantinedCount, siteId, timeZone, view }: ToolbarProps) => {
  const show = (change: Partial<View.View>, replace = false) =>
    go({ view: View.format({ ...view, ...change }), item: null }, { replace })
  return (
    <Toolbar
      label={Texts.inbox.folder}
      folders={View.folders.map((folder) => [
        folder,
        Texts.inbox.folders[folder],
        folder === "quarantined" ? quarantinedCount : 0
      ])}
      folder={view.folder}
      search={view.search}
      onFolder={(folder) => show({ folder, isUnreadOnly: false })}
      onSearch={(search) => show({ search }, true)}
      menu={
        (forms.length > 1 || view.form !== "") && (
          <Select
            aria-label={Texts.inbox.form}
            value={view.form}
            choices={[["", Texts.inbox.allForms], ...forms.map((form) => [form, form] as const)]}
            onChoose={(form) => show({ form })}
          />
        )
      }
    >
      {view.folder === "accepted" && (
        <Toggle
          text={Texts.inbox.unreadOnly}
          isOn={view.isUnreadOnly}
          onChange={(isUnreadOnly) => show({ isUnreadOnly })}
        />
      )}
      <DaysMenu timeZone={timeZone} days={view.days} onChoose={(days) => show({ days })} />
      {view.folder === "quarantined" && (
        <button type="button" class="button" onClick={onHeld}>
          {Texts.inbox.held.open}
        </button>
      )}
      <Menu
        label={Texts.inbox.export}
        side="end"
        hasChevron={false}
        choices={(["csv", "ndjson"] as const).map((format) => ({
          value: format,
          label: Texts.inbox.exports[format]
        }))}
        onChoose={(format) =>
          download(
            addressOf("/v1/owner/sites/:site_id/submissions/export", {
              params: { site_id: siteId },
              query: { ...View.toFilter(view), format }
            })
          )
        }
      >
        <Icon name="export" />
        {Texts.inbox.export}
      </Menu>
    </Toolbar>
  )
}

const Empty = ({ siteId, view }: { readonly siteId: string; readonly view: View.View }) => {
  const { empty } = Texts.inbox
  if (View.isFiltered(view)) {
    return (
      <NoMatch
        text={view.isUnreadOnly && view.search === "" ? empty.unread : empty.noMatch}
        onClear={() => go({ view: View.format({ ...View.parse({}), folder: view.folder }) })}
      />
    )
  }
  return view.folder !== "accepted" ? (
    <Message title={empty[view.folder]}>
      <p>{empty[`${view.folder}Body`]}</p>
    </Message>
  ) : (
    <Message title={empty.accepted}>
      <p>{empty.acceptedBody}</p>
      <InstallLink label={empty.install} siteId={siteId} />
    </Message>
  )
}

interface SelectionProps {
  readonly ids: ReadonlyArray<string>
  readonly view: View.View
  readonly changes: Changes
  readonly onSpam: (ids: ReadonlyArray<string>) => void
  readonly onRemove: () => void
  readonly onDone: () => void
}

/** The change of a selection that needs no confirmation, by folder. */
const quickChanges = {
  accepted: { label: Texts.inbox.actions.read, make: ({ mark }, ids) => mark(ids, true) },
  quarantined: { label: Texts.inbox.actions.release, make: ({ release }, ids) => release(ids) },
  deleted: { label: Texts.inbox.actions.restore, make: ({ restore }, ids) => restore(ids) }
} satisfies Record<
  View.Folder,
  { readonly label: string; readonly make: (changes: Changes, ids: ReadonlyArray<string>) => void }
>

const Selection = ({ changes, ids, onDone, onRemove, onSpam, view }: SelectionProps) => {
  const { label, make } = quickChanges[view.folder]
  return (
    <div class="selection" role="status">
      <b>{Texts.inbox.selected(ids.length)}</b>
      <button
        type="button"
        class="button"
        onClick={() => {
          make(changes, ids)
          onDone()
        }}
      >
        {label}
      </button>
      {view.folder === "accepted" && (
        <button
          type="button"
          class="button"
          onClick={() => {
            onSpam(ids)
            onDone()
          }}
        >
          {Texts.inbox.actions.spam}
        </button>
      )}
      <button type="button" class="button" onClick={onRemove}>
        {view.folder === "deleted" ? Texts.inbox.actions.purge : Texts.inbox.actions.delete}
      </button>
      <button type="button" class="button bare" onClick={onDone}>
        {Texts.inbox.unselect}
      </button>
    </div>
  )
}

/** The maximum number of submissions in one change. */
const maxSelected = 100

export const Inbox = ({ isMember, site }: PageProps) => {
  const { item, view: parameters } = useAddress()
  const view = View.parse(parameters)
  const viewKey = JSON.stringify(view)
  const changes = useChanges(site.site_id)
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set())
  const [isHeldShown, setHeldShown] = useState(false)
  const [removing, setRemoving] = useState<ReadonlyArray<string>>([])
  const panes = useKeptFocus()
  const { last, setLast } = useLastChange(viewKey)
  // Otherwise a change could include submissions that are no longer listed.
  useEffect(() => setSelected(new Set()), [viewKey])
  const { value: counts } = useAnswer(
    "GET /v1/owner/sites/:site_id/submissions/overview",
    { params: { site_id: site.site_id } },
    site.site_id
  )
  const chosen = item !== null && !hides(view.folder, changes.of(item)) ? item : null
  useClosed(item !== null && chosen === null)
  const isWide = useIsWide()
  const [first, setFirst] = useState<string | null>(null)
  const undoable = last === undefined ? [] : last.ids.filter((id) => changes.of(id)[last.change] === true)
  // Otherwise the next submission would have the button of spam at the same place, and a second click would mark it, too.
  const isHeld = last?.change === "isSpam" && undoable.length > 0
  const openId = chosen ?? (isWide && !isHeld ? first : null)

  const markSpam = (ids: ReadonlyArray<string>) => {
    changes.markSpam(ids)
    setLast({ change: "isSpam", ids })
  }
  const select = (id: string, isSelected: boolean) => {
    setLast()
    const next = new Set(selected)
    if (!isSelected) next.delete(id)
    else if (next.size < maxSelected) next.add(id)
    setSelected(next)
  }
  const remove = () => {
    setRemoving([])
    setSelected(new Set())
    if (view.folder === "deleted") {
      changes.purge(removing)
    } else {
      changes.remove(removing)
      setLast({ change: "isDeleted", ids: removing })
    }
  }

  return (
    <div class={`inbox ${chosen === null ? "" : "reading"}`}>
      <h1 class="sr-only">{Texts.pages.inbox}</h1>
      <InboxToolbar
        siteId={site.site_id}
        timeZone={site.time_zone}
        view={view}
        quarantinedCount={counts?.quarantined ?? 0}
        forms={counts?.pages ?? []}
        onHeld={() => setHeldShown(true)}
      />
      <Alert isOfList text={changes.isFailed ? Texts.inbox.failed : undefined} />
      {selected.size > 0 && (
        <Selection
          ids={[...selected]}
          view={view}
          changes={changes}
          onSpam={markSpam}
          onRemove={() => setRemoving([...selected])}
          onDone={() => setSelected(new Set())}
        />
      )}
      {last !== undefined && undoable.length > 0 && <Undo {...last} ids={undoable} changes={changes} />}
      <div class="panes" ref={panes}>
        <List
          key={viewKey}
          site={site}
          view={view}
          changes={changes}
          openId={openId}
          onFirst={setFirst}
          selected={selected}
          onSelect={isMember ? select : undefined}
          empty={<Empty siteId={site.site_id} view={view} />}
        />
        {openId === null ? (
          <p class="details nothing-open muted">{Texts.inbox.open}</p>
        ) : (
          <Details
            key={openId}
            site={site}
            submissionId={openId}
            isChosen={openId === chosen}
            changes={changes}
            isMember={isMember}
            onSpam={(id) => markSpam([id])}
            onRemove={(id) => setRemoving([id])}
          />
        )}
      </div>
      {isHeldShown && <Held site={site} isMember={isMember} onClose={() => setHeldShown(false)} />}
      {removing.length > 0 && (
        <Confirm
          title={(view.folder === "deleted" ? Texts.inbox.confirmPurge : Texts.inbox.confirm)(removing.length)}
          body={(view.folder === "deleted" ? Texts.inbox.purgeBody : Texts.inbox.confirmBody)(removing.length)}
          onCancel={() => setRemoving([])}
          onConfirm={remove}
        />
      )}
    </div>
  )
}
