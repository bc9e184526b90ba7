/**
 * The conversations of a website: a list, and beside it the open conversation.
 *
 * @module
 */
import { useState } from "preact/hooks"
import * as Connection from "../Connection.ts"
import * as Format from "../Format.ts"
import type { Site } from "../frame/Bar.tsx"
import { go, linkTo, useAddress } from "../Location.ts"
import { DaysMenu } from "../parts/DaysMenu.tsx"
import { Confirm } from "../parts/Dialog.tsx"
import { download } from "../parts/Download.ts"
import { Icon } from "../parts/Icon.tsx"
import { Alert, InstallLink, Message, PageProblem, SetUpLink } from "../parts/Message.tsx"
import type { PageProps } from "../parts/Page.ts"
import { ListSkeleton, PagedList } from "../parts/PagedList.tsx"
import { useIsWide, useKeptFocus } from "../parts/Panes.ts"
import { Select } from "../parts/Select.tsx"
import { connectCommand } from "../parts/Snippet.tsx"
import { NoMatch, Toolbar } from "../parts/Toolbar.tsx"
import { type Answer, addressOf, send } from "../Requests.ts"
import { mapResource, useAnswer } from "../Resource.ts"
import * as Texts from "../Texts.ts"
import { Transcript, Visit } from "./Transcript.tsx"
import * as View from "./View.ts"

type Instance = Answer<"GET /v1/owner/sites/:site_id/instances">["instances"][number]

interface ToolbarProps {
  readonly site: Site
  readonly view: View.View
  /** Undefined while the instances load. */
  readonly instance: Instance | undefined
  readonly instances: ReadonlyArray<Instance>
}

/** Chooses which conversations are listed, and exports them. */
const ConversationsToolbar = ({ instance, instances, site, view }: ToolbarProps) => {
  const show = (change: Partial<View.View>, replace = false) =>
    go({ view: View.format({ ...view, ...change }), item: null }, { replace })
  return (
    <Toolbar
      label={Texts.conversations.show}
      folders={View.kinds.map((kind) => [kind, Texts.conversations.kinds[kind]])}
      folder={view.kind}
      search={view.search}
      onFolder={(kind) => show({ kind })}
      onSearch={(search) => show({ search }, true)}
      menu={
        instance !== undefined &&
        instances.length > 1 && (
          <Select
            aria-label={Texts.conversations.instance}
            value={instance.instance_id}
            choices={instances.map(({ instance_id, name }) => [instance_id, name] as const)}
            onChoose={(chosen) => show({ instance: chosen })}
          />
        )
      }
    >
      <DaysMenu timeZone={site.time_zone} days={view.days} onChoose={(days) => show({ days })} />
      <button
        type="button"
        class="button"
        disabled={instance === undefined}
        onClick={() =>
          instance !== undefined &&
          download(
            addressOf("/v1/owner/sites/:site_id/instances/:instance_id/export", {
              params: { site_id: site.site_id, instance_id: instance.instance_id },
              query: View.toFilter(view)
            })
          )
        }
      >
        <Icon name="export" />
        {Texts.inbox.export}
      </button>
    </Toolbar>
  )
}

type Conversation = Answer<"GET /v1/owner/sites/:site_id/instances/:instance_id/conversations">["conversations"][number]

/** The maximum number of conversations that one request loads. */
export const partSize = 50

interface RowProps {
  readonly conversation: Conversation
  readonly site: Pick<Site, "time_zone">
  readonly isOpen: boolean
  /** Its place in the address, if that is not its id. */
  readonly place?: string
  /** The name of its website, in a list of several. */
  readonly siteName?: string
}

export const Row = ({ conversation, isOpen, place = conversation.conversation_id, site, siteName }: RowProps) => {
  const { down, messages, preview, unanswered, up, updated_at, waiting } = conversation
  return (
    <li class={`entry conversation ${waiting ? "unread" : ""}`}>
      <a href={linkTo({ item: place })} aria-current={isOpen ? "true" : undefined}>
        <span class="first">
          {waiting && <i class="dot" title={Texts.conversations.waiting} />}
          {waiting && <span class="sr-only">{Texts.conversations.waiting}</span>}
          <span class="sender" dir="auto">
            {preview}
          </span>
          <time dateTime={updated_at}>{Format.arrival(updated_at, { now: Date.now(), timeZone: site.time_zone })}</time>
        </span>
        <span class="preview">
          {siteName !== undefined && <bdi class="of-site">{siteName}</bdi>}
          {Texts.conversations.messages(messages)}
          <Visit {...conversation} />
          {unanswered > 0 && (
            <span class={`mark ${waiting ? "bad" : ""}`}>{Texts.conversations.unanswered(unanswered)}</span>
          )}
          {down > 0 && <span class="mark bad">{Texts.conversations.rated.down}</span>}
          {up > 0 && <span class="mark good">{Texts.conversations.rated.up}</span>}
        </span>
      </a>
    </li>
  )
}

interface EmptyProps {
  readonly siteId: string
  readonly instanceId: string
  readonly isStoredByAgent: boolean
  readonly view: View.View
}

const Empty = ({ instanceId, isStoredByAgent, siteId, view }: EmptyProps) =>
  View.isFiltered(view) ? (
    <NoMatch
      text={Texts.conversations.noMatch}
      onClear={() => go({ view: View.format({ ...View.parse({}), instance: view.instance }) })}
    />
  ) : isStoredByAgent ? (
    <Message title={Texts.conversations.elsewhere}>
      <p>{Texts.conversations.elsewhereBody}</p>
      <SetUpLink
        label={Texts.conversations.keep}
        section="assistants"
        command={`hydracore instance update --instance ${instanceId} --memory edge`}
      />
    </Message>
  ) : (
    <Message title={Texts.conversations.empty}>
      <p>{Texts.conversations.emptyBody}</p>
      <InstallLink label={Texts.conversations.install} siteId={siteId} instanceId={instanceId} />
    </Message>
  )

interface ListProps {
  readonly site: Site
  readonly instanceId: string
  /** Whether only the agent stores the conversations. */
  readonly isStoredByAgent: boolean
  readonly view: View.View
  readonly removed: ReadonlySet<string>
  readonly openId: string | null
  readonly onFirst: (conversationId: string | null) => void
}

/** In the order of their latest messages, latest first. */
const List = ({ instanceId, isStoredByAgent, onFirst, openId, removed, site, view }: ListProps) => (
  <PagedList<Conversation>
    label={Texts.conversations.list}
    more={Texts.inbox.more}
    useItems={(cursor) =>
      mapResource(
        useAnswer(
          "GET /v1/owner/sites/:site_id/instances/:instance_id/conversations",
          {
            params: { site_id: site.site_id, instance_id: instanceId },
            query: { ...View.toFilter(view), limit: partSize, ...(cursor !== undefined && { cursor }) }
          },
          instanceId
        ),
        ({ conversations, next }) => ({ items: conversations, next })
      )
    }
    isHidden={({ conversation_id }) => removed.has(conversation_id)}
    row={(conversation) => (
      <Row
        key={conversation.conversation_id}
        conversation={conversation}
        site={site}
        isOpen={openId === conversation.conversation_id}
      />
    )}
    onFirst={(first) => onFirst(first?.conversation_id ?? null)}
    empty={<Empty siteId={site.site_id} instanceId={instanceId} isStoredByAgent={isStoredByAgent} view={view} />}
  />
)

export const Conversations = ({ isMember, isOwner, site }: PageProps) => {
  const { item, view: parameters } = useAddress()
  const view = View.parse(parameters)
  const [removed, setRemoved] = useState<ReadonlySet<string>>(new Set())
  const [removing, setRemoving] = useState<string | null>(null)
  const [isFailed, setFailed] = useState(false)
  const panes = useKeptFocus()
  const isWide = useIsWide()
  const [first, setFirst] = useState<string | null>(null)
  const { failure, value } = useAnswer(
    "GET /v1/owner/sites/:site_id/instances",
    { params: { site_id: site.site_id } },
    site.site_id
  )
  const instances = value?.instances ?? []
  const instance = instances.find(({ instance_id }) => instance_id === view.instance) ?? instances[0]

  const remove = async (conversationId: string, instanceId: string) => {
    setRemoving(null)
    setFailed(false)
    setRemoved(new Set([...removed, conversationId]))
    if (item === conversationId) go({ item: null }, { replace: true })
    const outcome = await send(
      "DELETE /v1/owner/sites/:site_id/instances/:instance_id/conversations/:conversation_id",
      { params: { site_id: site.site_id, instance_id: instanceId, conversation_id: conversationId } }
    )
    // A conversation that does not exist any more is deleted, too.
    if (!outcome.ok && outcome.failure.kind !== "not-found") {
      setFailed(true)
      setRemoved((all) => new Set([...all].filter((id) => id !== conversationId)))
    }
    Connection.reloadData()
  }

  if (value === undefined && failure !== undefined) return <PageProblem failure={failure} />
  if (value !== undefined && instance === undefined) {
    return (
      <Message title={Texts.conversations.none}>
        <p>{Texts.conversations.noneBody}</p>
        <SetUpLink label={Texts.conversations.connect} section="assistants" command={connectCommand(site.site_id)} />
      </Message>
    )
  }
  const chosen = item !== null && !removed.has(item) ? item : null
  const openId = chosen ?? (isWide ? first : null)
  return (
    <div class={chosen === null ? "" : "reading"}>
      <h1 class="sr-only">{Texts.pages.conversations}</h1>
      <ConversationsToolbar site={site} view={view} instance={instance} instances={instances} />
      <Alert isOfList text={isFailed ? Texts.inbox.failed : undefined} />
      <div class="panes" ref={panes}>
        {instance === undefined ? (
          <div class="entries" aria-busy="true">
            <ListSkeleton />
          </div>
        ) : (
          <List
            key={`${instance.instance_id} ${JSON.stringify(view)}`}
            site={site}
            instanceId={instance.instance_id}
            isStoredByAgent={instance.memory === "agent"}
            view={view}
            removed={removed}
            openId={openId}
            onFirst={setFirst}
          />
        )}
        {openId !== null && instance !== undefined ? (
          <Transcript
            key={openId}
            site={site}
            instanceId={instance.instance_id}
            conversationId={openId}
            isChosen={openId === chosen}
            isMember={isMember}
            isOwner={isOwner}
            onRemove={() => setRemoving(openId)}
          />
        ) : (
          <div class="details" />
        )}
      </div>
      {removing !== null && instance !== undefined && (
        <Confirm
          title={Texts.conversations.confirm}
          body={Texts.conversations.confirmBody}
          onCancel={() => setRemoving(null)}
          onConfirm={() => void remove(removing, instance.instance_id)}
        />
      )}
    </div>
  )
}
