/**
 * The submissions of all websites: a list, and beside it the one that is open.
 *
 * @module
 */
import { useState } from "preact/hooks"
import { hides } from "../inbox/Change.ts"
import { useChanges } from "../inbox/Changes.ts"
import { Details } from "../inbox/Details.tsx"
import { partSize, Row, Undo, useClosed, useLastChange } from "../inbox/List.tsx"
import * as View from "../inbox/View.ts"
import { go } from "../Location.ts"
import { Confirm } from "../parts/Dialog.tsx"
import { Alert, Message } from "../parts/Message.tsx"
import { PagedList } from "../parts/PagedList.tsx"
import { useKeptFocus } from "../parts/Panes.ts"
import { NoMatch, Toggle, Toolbar } from "../parts/Toolbar.tsx"
import type { Answer } from "../Requests.ts"
import { mapResource, useAnswer } from "../Resource.ts"
import * as Texts from "../Texts.ts"
import * as Page from "./Page.tsx"
import { type AllPageProps, includesRole, SiteSelect, ToWebsites, useAllView, useSite } from "./Page.tsx"

type Submission = Answer<"GET /v1/owner/submissions">["submissions"][number]

const nothing: ReadonlySet<string> = new Set()

export const AllInbox = ({ hasMoreSites, roles, sites }: AllPageProps) => {
  const { item, show, siteId, view } = useAllView(View)
  const viewKey = JSON.stringify([view, siteId])
  const { last, setLast } = useLastChange(viewKey)
  const [openSiteId = null, openId = null] = Page.parsePlace(item, 2) ?? []
  const openSite = useSite(openSiteId, sites)
  const [changedSiteId = ""] = Page.parsePlace(item ?? last?.item ?? null, 2) ?? []
  const changes = useChanges(changedSiteId)
  const [removing, setRemoving] = useState<string | null>(null)
  const panes = useKeptFocus()
  const isOpen = openId !== null && !hides(view.folder, changes.of(openId))
  useClosed(openId !== null && !isOpen)
  const isUndoable = last?.ids.every((id) => changes.of(id)[last.change] === true) === true
  return (
    <div class={`inbox ${isOpen ? "reading" : ""}`}>
      <h1 class="sr-only">{Texts.pages.inbox}</h1>
      <Toolbar
        label={Texts.inbox.folder}
        folders={(["accepted", "quarantined"] as const).map((folder) => [folder, Texts.inbox.folders[folder]])}
        folder={view.folder}
        search={view.search}
        onFolder={(folder) => show({ folder, isUnreadOnly: false })}
        onSearch={(search) => show({ search }, siteId, true)}
        menu={
          <SiteSelect
            sites={sites}
            hasMoreSites={hasMoreSites}
            siteId={siteId}
            onChoose={(chosen) => show({}, chosen)}
          />
        }
      >
        {view.folder === "accepted" && (
          <Toggle
            text={Texts.inbox.unreadOnly}
            isOn={view.isUnreadOnly}
            onChange={(isUnreadOnly) => show({ isUnreadOnly })}
          />
        )}
      </Toolbar>
      <Alert isOfList text={changes.isFailed ? Texts.inbox.failed : undefined} />
      {last !== undefined && isUndoable && <Undo {...last} changes={changes} />}
      <div class="panes" ref={panes}>
        <PagedList<Submission>
          key={viewKey}
          label={Texts.inbox.list}
          more={Texts.inbox.more}
          useItems={(cursor) =>
            mapResource(
              useAnswer(
                "GET /v1/owner/submissions",
                {
                  query: {
                    ...View.toFilter(view),
                    ...(siteId !== "" && { site_id: siteId }),
                    limit: partSize,
                    ...(cursor !== undefined && { cursor })
                  }
                },
                "submissions"
              ),
              ({ next, submissions }) => ({ items: submissions, next })
            )
          }
          isHidden={({ submission_id }) => hides(view.folder, changes.of(submission_id))}
          row={(submission) => (
            <Row
              key={submission.submission_id}
              submission={submission}
              site={submission.site}
              siteName={submission.site.name}
              item={Page.placeOf(submission.site.site_id, submission.submission_id)}
              changes={changes}
              openId={openId}
              selected={nothing}
              onSelect={undefined}
            />
          )}
          empty={
            View.isFiltered(view) || siteId !== "" ? (
              <NoMatch
                text={view.isUnreadOnly && view.search === "" ? Texts.inbox.empty.unread : Texts.inbox.empty.noMatch}
                onClear={() => go({ view: {} })}
              />
            ) : (
              <Message title={Texts.inbox.empty[view.folder]}>
                <p>{Texts.inbox.empty[`${view.folder}Body`]}</p>
                {view.folder === "accepted" && <ToWebsites />}
              </Message>
            )
          }
        />
        {isOpen && openSite !== undefined ? (
          <Details
            key={openId}
            site={openSite}
            submissionId={openId}
            isChosen={true}
            changes={changes}
            isMember={includesRole(roles, openSite.site_id, "member")}
            onSpam={(id) => {
              changes.markSpam([id])
              setLast({ change: "isSpam", ids: [id] })
            }}
            onRemove={setRemoving}
          />
        ) : (
          <p class="details nothing-open muted">{Texts.inbox.open}</p>
        )}
      </div>
      {removing !== null && (
        <Confirm
          title={Texts.inbox.confirm(1)}
          body={Texts.inbox.confirmBody(1)}
          onCancel={() => setRemoving(null)}
          onConfirm={() => {
            changes.remove([removing])
            setLast({ change: "isDeleted", ids: [removing] })
            setRemoving(null)
          }}
        />
      )}
    </div>
  )
}
