/**
 * The tag of each assistant's chat, with a token filled in.
 *
 * @module
 */
import { useChange } from "../parts/Change.ts"
import { messageOf } from "../parts/FailureText.ts"
import { Snippet } from "../parts/Snippet.tsx"
import type { Answer } from "../Requests.ts"
import { useAnswer } from "../Resource.ts"
import * as Texts from "../texts/Assistants.ts"
import * as Common from "../texts/SetUp.ts"
import { AnswerCheck } from "./AnswerCheck.tsx"
import { AddButton, Loading } from "./Section.tsx"
import * as Tags from "./Tags.ts"

type Instance = Answer<"GET /v1/owner/sites/:site_id/instances">["instances"][number]
type Tokens = Answer<"GET /v1/owner/sites/:site_id/instances/:instance_id/tokens">["tokens"]

/** The text of the newest valid token whose text is known. */
const tokenFor = (tokens: Tokens, now: number): string | null =>
  tokens.findLast(({ expires_at, token }) => token !== null && (expires_at === null || Date.parse(expires_at) > now))
    ?.token ?? null

interface Props {
  readonly siteId: string
  readonly isOwner: boolean
}

const ChatTag = ({ instance, isOwner, siteId }: Props & { readonly instance: Instance }) => {
  const params = { site_id: siteId, instance_id: instance.instance_id }
  const { failure, value } = useAnswer(
    "GET /v1/owner/sites/:site_id/instances/:instance_id/tokens",
    { params, query: { revoked: "false", limit: 100 } },
    instance.instance_id
  )
  const issue = useChange("POST /v1/owner/sites/:site_id/instances/:instance_id/tokens")
  if (value === undefined) return <Loading failure={failure} />
  const token = tokenFor(value.tokens, Date.now())
  const problem = messageOf(issue.failure)
  return (
    <>
      {token === null ? (
        <>
          <p class="muted">{value.tokens.length > 0 ? Texts.tokens.unknown : Texts.tokens.empty}</p>
          {isOwner && <AddButton label={Texts.tokens.add} onClick={() => issue.run({ params, body: {} })} />}
          {problem !== undefined && <p class="bad">{problem}</p>}
        </>
      ) : (
        <Snippet text={Tags.chat(location.origin, instance.instance_id, token)} />
      )}
      <AnswerCheck siteId={siteId} instance={instance} isOwner={isOwner} />
    </>
  )
}

export const ChatTags = ({ isOwner, siteId }: Props) => {
  const { failure, value } = useAnswer(
    "GET /v1/owner/sites/:site_id/instances",
    { params: { site_id: siteId } },
    siteId
  )
  if (value === undefined) return <Loading failure={failure} />
  if (value.instances.length === 0) return <p class="none">{Common.install.noAssistant}</p>
  return (
    <>
      {value.instances.map((instance) => (
        <div key={instance.instance_id} class="chat-tag">
          <h3>
            <bdi>{instance.name}</bdi>
          </h3>
          <ChatTag siteId={siteId} isOwner={isOwner} instance={instance} />
        </div>
      ))}
    </>
  )
}
