/**
 * The conversations of all websites: a list, and beside it the open conversation.
 *
 * @module
 */
import { useState } from "preact/hooks"
import { partSize, Row } from "../conversations/Conversations.tsx"
import { Transcript } from "../conversations/Transcript.tsx"
import * as View from "../conversations/View.ts"
import { go } from "../Location.ts"
import { useChange } from "../parts/Change.ts"
import { Confirm } from "../parts/Dialog.tsx"
import { Alert, Message } from "../parts/Message.tsx"
import { PagedList } from "../parts/PagedList.tsx"
import { useKeptFocus } from "../parts/Panes.ts"
import { NoMatch, Toolbar } from "../parts/Toolbar.tsx"
import type { Answer } from "../Requests.ts"
import { mapResource, useAnswer } from "../Resource.ts"
import * as Texts from "../Texts.ts"
import * as Page from "./Page.tsx"
import { type AllPageProps, includesRole, SiteSelect, ToWebsites, useAllView, useSite } from "./Page.tsx"

type Conversation = Answer<"GET /v1/owner/conversations">["conversations"][number]

const placeOf = ({ conversation_id, instance, site }: Conversation): string =>
  Page.placeOf(site.site_id, instance.instance_id, conversation_id)

export const AllConversations = ({ hasMoreSites, roles, sites }: AllPageProps) => {
  const { item, show, siteId, view } = useAllView(View)
  const [openSiteId = null, instanceId = "", conversationId = ""] = Page.parsePlace(item, 3) ?? []
  const openSite = useSite(openSiteId, sites)
  const [isRemoving, setRemoving] = useState(false)
  /** What was deleted last, which the list has until it is loaded again. */
  const [removed, setRemoved] = useState<string | null>(null)
  const panes = useKeptFocus()
  const removal = useChange("DELETE /v1/owner/sites/:site_id/instances/:instance_id/conversations/:conversation_id")
  return (
    <div class={openSiteId === null ? "" : "reading"}>
      <h1 class="sr-only">{Texts.pages.conversations}</h1>
      <Toolbar
        label={Texts.conversations.show}
        folders={View.kinds.map((kind) => [kind, Texts.conversations.kinds[kind]])}
        folder={view.kind}
        search={view.search}
        onFolder={(kind) => show({ kind })}
        onSearch={(search) => show({ search }, siteId, true)}
        menu={
          <SiteSelect
            sites={sites}
            hasMoreSites={hasMoreSites}
            siteId={siteId}
            onChoose={(chosen) => show({}, chosen)}
          />
        }
      />
      <Alert isOfList text={removal.failure !== undefined ? Texts.inbox.failed : undefined} />
      <div class="panes" ref={panes}>
        <PagedList<Conversation>
          key={JSON.stringify([view, siteId])}
          label={Texts.conversations.list}
          more={Texts.inbox.more}
          useItems={(cursor) =>
            mapResource(
              useAnswer(
                "GET /v1/owner/conversations",
                {
                  query: {
                    ...View.toFilter(view),
                    ...(siteId !== "" && { site_id: siteId }),
                    limit: partSize,
                    ...(cursor !== undefined && { cursor })
                  }
                },
                "conversations"
              ),
              ({ conversations, next }) => ({ items: conversations, next })
            )
          }
          isHidden={(conversation) => placeOf(conversation) === removed}
          row={(conversation) => {
            const place = placeOf(conversation)
            const { site } = conversation
            return (
              <Row
                key={place}
                conversation={conversation}
                site={site}
                siteName={site.name}
                place={place}
                isOpen={item === place}
              />
            )
          }}
          empty={
            View.isFiltered(view) || siteId !== "" ? (
              <NoMatch text={Texts.conversations.noMatch} onClear={() => go({ view: {} })} />
            ) : (
              <Message title={Texts.conversations.empty}>
                <p>{Texts.conversations.emptyInAll}</p>
                <ToWebsites />
              </Message>
            )
          }
        />
        {openSite !== undefined ? (
          <Transcript
            key={item}
            site={openSite}
            instanceId={instanceId}
            conversationId={conversationId}
            isChosen={true}
            isMember={includesRole(roles, openSite.site_id, "member")}
            isOwner={includesRole(roles, openSite.site_id, "owner")}
            onRemove={() => setRemoving(true)}
          />
        ) : (
          <p class="details nothing-open muted">{Texts.conversations.open}</p>
        )}
      </div>
      {isRemoving && openSite !== undefined && (
        <Confirm
          title={Texts.conversations.confirm}
          body={Texts.conversations.confirmBody}
          onCancel={() => setRemoving(false)}
          onConfirm={() => {
            setRemoving(false)
            removal.run(
              { params: { site_id: openSite.site_id, instance_id: instanceId, conversation_id: conversationId } },
              () => {
                setRemoved(item)
                go({ item: null }, { replace: true })
              }
            )
          }}
        />
      )}
    </div>
  )
}
