/**
 * The conversations of a website: a list, and beside it the open conversation.
 *
 * @module
 */

import { useState } from "preact/hooks"
import * as Connection from "../Connection.ts"
import { go, useAddress } from "../Location.ts"
import { Confirm } from "../parts/Confirm.tsx"
import { Message } from "../parts/Message.tsx"
import type { PageProps } from "../parts/Page.ts"
import { ListSkeleton } from "../parts/PagedList.tsx"
import { PageProblem } from "../parts/Problem.tsx"
import { SetUpLink } from "../parts/SetUpLink.tsx"
import { send } from "../Requests.ts"
import { useAnswer } from "../Resource.ts"
import * as Texts from "../Texts.ts"
import { List } from "./List.tsx"
import { Toolbar } from "./Toolbar.tsx"
import { Transcript } from "./Transcript.tsx"
import * as View from "./View.ts"

export const Conversations = ({ isOwner, site }: PageProps) => {
  const { item, view: parameters } = useAddress()
  const view = View.parse(parameters)
  const [removed, setRemoved] = useState<ReadonlySet<string>>(new Set())
  const [removing, setRemoving] = useState<string | null>(null)
  const [isFailed, setFailed] = useState(false)
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
        <SetUpLink label={Texts.conversations.connect} section="assistants" />
      </Message>
    )
  }
  const isOpen = item !== null && !removed.has(item)
  return (
    <div class={isOpen ? "reading" : ""}>
      <h1 class="sr-only">{Texts.pages.conversations}</h1>
      <Toolbar site={site} view={view} instance={instance} instances={instances} />
      {isFailed && (
        <p class="bad failed" role="alert">
          {Texts.inbox.failed}
        </p>
      )}
      <div class="panes">
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
          />
        )}
        {isOpen && instance !== undefined ? (
          <Transcript
            key={item}
            site={site}
            instanceId={instance.instance_id}
            conversationId={item}
            isOwner={isOwner}
            onRemove={() => setRemoving(item)}
          />
        ) : (
          <p class="details nothing-open muted">{Texts.conversations.open}</p>
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
