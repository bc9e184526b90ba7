/**
 * The conversations of a view, in the order of their latest messages, latest first.
 *
 * @module
 */
import * as Format from "../Format.ts"
import type { Site } from "../frame/Bar.tsx"
import { go, linkTo, useAddress } from "../Location.ts"
import { Message } from "../parts/Message.tsx"
import { PagedList } from "../parts/PagedList.tsx"
import type { Answer } from "../Requests.ts"
import { mapResource, useAnswer } from "../Resource.ts"
import * as Texts from "../Texts.ts"
import * as View from "./View.ts"

type Conversation = Answer<"GET /v1/owner/sites/:site_id/instances/:instance_id/conversations">["conversations"][number]

/** The maximum number of conversations that one request loads. */
const partSize = 50

const Row = ({ conversation, site }: { readonly conversation: Conversation; readonly site: Site }) => {
  const { item } = useAddress()
  const { conversation_id, down, messages, preview, unanswered, up, updated_at } = conversation
  return (
    <li class="entry">
      <a href={linkTo({ item: conversation_id })} aria-current={item === conversation_id ? "true" : undefined}>
        <span class="first">
          <span class="sender">
            <bdi>{preview}</bdi>
          </span>
          <time dateTime={updated_at}>{Format.arrival(updated_at, { now: Date.now(), timeZone: site.time_zone })}</time>
        </span>
        <span class="preview">
          {Texts.conversations.messages(messages)}
          {unanswered > 0 && <span class="mark bad">{Texts.conversations.unanswered(unanswered)}</span>}
          {down > 0 && <span class="mark bad">{Texts.conversations.rated.down}</span>}
          {up > 0 && <span class="mark good">{Texts.conversations.rated.up}</span>}
        </span>
      </a>
    </li>
  )
}

const Empty = ({ isStoredByAgent, view }: { readonly isStoredByAgent: boolean; readonly view: View.View }) =>
  View.isFiltered(view) ? (
    <div class="nothing">
      <p>{Texts.conversations.noMatch}</p>
      <button
        type="button"
        class="button"
        onClick={() => go({ view: View.format({ ...View.parse({}), instance: view.instance }) })}
      >
        {Texts.inbox.empty.clear}
      </button>
    </div>
  ) : (
    <Message title={isStoredByAgent ? Texts.conversations.elsewhere : Texts.conversations.empty}>
      <p>{isStoredByAgent ? Texts.conversations.elsewhereBody : Texts.conversations.emptyBody}</p>
    </Message>
  )

interface Props {
  readonly site: Site
  readonly instanceId: string
  /** Whether only the agent stores the conversations. */
  readonly isStoredByAgent: boolean
  readonly view: View.View
  readonly removed: ReadonlySet<string>
}

export const List = ({ instanceId, isStoredByAgent, removed, site, view }: Props) => (
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
    row={(conversation) => <Row key={conversation.conversation_id} conversation={conversation} site={site} />}
    empty={<Empty isStoredByAgent={isStoredByAgent} view={view} />}
  />
)
