/**
 * Checks that say whether something works, such as whether an assistant answers its visitors.
 *
 * @module
 */
import { ago } from "../Format.ts"
import { Icon } from "../parts/Icon.tsx"
import type { Answer } from "../Requests.ts"
import { useAnswer } from "../Resource.ts"
import * as Texts from "../texts/Assistants.ts"
import type { Finding } from "./InstallCheck.ts"

const classes = { works: "good", fails: "bad", waits: "muted" } as const

/** Says that something works, that it fails, or what it waits for. */
export const LiveCheck = ({ state, text }: Finding) => (
  <p class={`check-line ${classes[state]}`} role="status">
    {state === "waits" ? <span class="pulse" /> : <Icon name={state === "works" ? "check" : "close"} />}
    {text}
  </p>
)

type Health = Answer<"GET /v1/owner/sites/:site_id/instances/:instance_id/answers">

/** Undefined if nothing fails and the agent keeps the conversations: the service does not know its answers. */
const findingOf = (
  { answered_at, failed, failing_since }: Health,
  memory: Props["instance"]["memory"],
  step: keyof typeof Texts.toTry,
  now: number
): Finding | undefined => {
  if (failing_since !== null) {
    const nextStep = Texts.toTry[step]
    return { state: "fails", text: `${Texts.failing(failed, ago(failing_since, now))} ${nextStep}` }
  }
  if (memory === "agent") return undefined
  return answered_at === null
    ? { state: "waits", text: Texts.noAnswer }
    : { state: "works", text: Texts.answered(ago(answered_at, now)) }
}

interface Props {
  readonly siteId: string
  readonly instance: { readonly instance_id: string; readonly memory: "edge" | "agent" }
  readonly isOwner: boolean
  /** Whether the button that tries the assistant stands beside the check, for an owner. */
  readonly isBesideTry?: boolean
}

/** Whether an assistant answers its visitors, as the problems of its website say it. */
export const AnswerCheck = ({ instance: { instance_id, memory }, isBesideTry = false, isOwner, siteId }: Props) => {
  const { value } = useAnswer(
    "GET /v1/owner/sites/:site_id/instances/:instance_id/answers",
    { params: { site_id: siteId, instance_id } },
    instance_id
  )
  const step = !isOwner ? "viewer" : isBesideTry ? "here" : "owner"
  const finding = value === undefined ? undefined : findingOf(value, memory, step, Date.now())
  return finding === undefined ? null : <LiveCheck {...finding} />
}
