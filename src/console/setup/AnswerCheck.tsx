/**
 * Checks that say whether something works, such as whether an assistant answers its visitors.
 *
 * @module
 */
import { Icon } from "../parts/Icon.tsx"
import { useAnswer } from "../Resource.ts"
import * as InstallCheck from "./InstallCheck.ts"

const classes = { works: "good", fails: "bad", waits: "muted" } as const

/** Says that something works, that it fails, or what it waits for. */
export const LiveCheck = ({ state, text }: InstallCheck.Finding) => (
  <p class={`check-line ${classes[state]}`} role="status">
    {state === "waits" ? <span class="pulse" /> : <Icon name={state === "works" ? "check" : "close"} />}
    {text}
  </p>
)

interface Props {
  readonly siteId: string
  readonly instance: { readonly instance_id: string; readonly memory: "edge" | "agent" }
  /** Whether the assistant has a token, without which no page can use it. */
  readonly hasToken: boolean
  readonly isOwner: boolean
  /** Whether the button that tries the assistant stands beside the check, for an owner. */
  readonly isBesideTry?: boolean
}

/** Whether an assistant answers its visitors, as the problems of its website say it. */
export const AnswerCheck = ({ hasToken, instance, isBesideTry = false, isOwner, siteId }: Props) => {
  const { instance_id, memory } = instance
  const { value } = useAnswer(
    "GET /v1/owner/sites/:site_id/instances/:instance_id/answers",
    { params: { site_id: siteId, instance_id } },
    instance_id
  )
  const step = !isOwner ? "viewer" : isBesideTry ? "here" : "owner"
  const finding = value && InstallCheck.ofAnswers(value, { memory, hasToken, step, now: Date.now() })
  return finding === undefined ? null : <LiveCheck {...finding} />
}
