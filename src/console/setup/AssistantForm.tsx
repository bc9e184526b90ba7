/**
 * Creates or changes an assistant.
 *
 * @module
 */
import { useState } from "preact/hooks"
import { useChange, useWhileShown } from "../parts/Change.ts"
import { faultOf, messageOf } from "../parts/FailureText.ts"
import type { Answer, Input } from "../Requests.ts"
import * as Texts from "../texts/Assistants.ts"
import * as Common from "../texts/SetUp.ts"
import { FormDialog } from "./Dialogs.tsx"
import { Check, ChoiceField, TextField } from "./Fields.tsx"
import * as Lines from "./Lines.ts"

type Settings = Answer<"GET /v1/owner/sites/:site_id/instances/:instance_id">
type Body = Input<"PATCH /v1/owner/sites/:site_id/instances/:instance_id">["body"]

interface Props {
  readonly siteId: string
  /** The assistant to change; null for a new one. */
  readonly settings: Settings | null
  readonly onClose: () => void
  readonly onSaved: (settings: Settings) => void
}

/** The members whose fields are in the collapsed part of the form, and may have faults. */
const collapsedMembers = [
  ...["history", "history_characters", "max_tokens", "daily_tokens", "agent_key_header"],
  ...["agent_body", "agent_headers"]
]

/** The members of the body whose faults the fields show. */
const members = ["name", "agent_url", "agent_key", "agent_model", "instructions", "origins", ...collapsedMembers]

const initial = (settings: Settings | null) => ({
  name: settings?.name ?? "",
  url: settings?.agent_url ?? "",
  key: "",
  protocol: settings?.agent_protocol ?? ("openai-chat" as const),
  model: settings?.agent_model ?? "",
  keyHeader: settings?.agent_key_header ?? "",
  body: "",
  headers: "",
  memory: settings?.memory ?? ("edge" as const),
  contact: settings?.contact ?? ("failed" as const),
  conversationIds: settings?.conversation_ids ?? ("service" as const),
  instructions: settings?.instructions ?? "",
  history: String(settings?.history ?? 40),
  historyCharacters: String(settings?.history_characters ?? 60_000),
  maxTokens: String(settings?.max_tokens ?? 4096),
  dailyTokens: String(settings?.daily_tokens ?? ""),
  origins: (settings?.origins ?? []).join("\n")
})

interface Chosen {
  readonly protocol: Settings["agent_protocol"]
  readonly memory: Settings["memory"]
  readonly contact: Settings["contact"]
  readonly conversationIds: Settings["conversation_ids"]
}

type Typed = Omit<ReturnType<typeof initial>, keyof Chosen> & Chosen

const orNull = (text: string): string | null => text.trim() || null

/** The stored secrets that are to be removed. */
interface Removed {
  readonly key: boolean
  readonly body: boolean
  readonly headers: boolean
}

/** The value of a secret member: the typed one, or null to remove the stored one. Without either, there is no member. */
const secretMember = (
  name: "agent_key" | "agent_body" | "agent_headers",
  value: unknown,
  isRemoved: boolean
): object => (value !== null ? { [name]: value } : isRemoved ? { [name]: null } : {})

/** The typed JSON. The server refuses a text that is not JSON, and says what it expects. */
const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** The body to send, without `agent_url`, which `submit` adds. */
const bodyOf = (typed: Typed, removed: Removed): Body => ({
  name: typed.name,
  agent_protocol: typed.protocol,
  agent_model: orNull(typed.model),
  agent_key_header: orNull(typed.keyHeader),
  memory: typed.memory,
  contact: typed.contact,
  conversation_ids: typed.conversationIds,
  // The form hides the instructions of an agent with its own memory.
  ...(typed.memory === "edge" && { instructions: orNull(typed.instructions) }),
  history: Number(typed.history),
  history_characters: Number(typed.historyCharacters),
  max_tokens: Number(typed.maxTokens),
  daily_tokens: typed.dailyTokens.trim() === "" ? null : Number(typed.dailyTokens),
  origins: Lines.parse(typed.origins),
  ...secretMember("agent_key", typed.key === "" ? null : typed.key, removed.key),
  ...secretMember("agent_body", typed.body.trim() === "" ? null : parseJson(typed.body), removed.body),
  ...secretMember(
    "agent_headers",
    typed.headers.trim() === "" ? null : Lines.parseHeaders(typed.headers),
    removed.headers
  )
})

export const AssistantForm = ({ onClose, onSaved, settings, siteId }: Props) => {
  const [typed, setTyped] = useState<Typed>(initial(settings))
  const [removed, setRemoved] = useState<Removed>({ key: false, body: false, headers: false })
  const create = useChange("POST /v1/owner/sites/:site_id/instances")
  const update = useChange("PATCH /v1/owner/sites/:site_id/instances/:instance_id")
  const saved = useWhileShown(onSaved)
  const failure = create.failure ?? update.failure
  const text = (name: Exclude<keyof Typed, keyof Chosen>, member: string) => ({
    value: typed[name],
    onInput: (value: string) => setTyped({ ...typed, [name]: value }),
    fault: faultOf(failure, member)
  })
  const bodyNames = settings?.agent_body_fields ?? []
  const headerNames = settings?.agent_header_names ?? []
  const submit = () => {
    const body = bodyOf(typed, removed)
    const url = typed.url.trim()
    if (settings === null) {
      create.run({ params: { site_id: siteId }, body: { ...body, name: typed.name, agent_url: url } }, saved)
    } else {
      update.run(
        {
          params: { site_id: siteId, instance_id: settings.instance_id },
          body: { ...body, ...(url !== "" && { agent_url: url }) }
        },
        saved
      )
    }
  }
  return (
    <FormDialog
      isWide
      title={settings === null ? Texts.add : Texts.edit(settings.name)}
      submit={settings === null ? Common.create : Common.save}
      isDisabled={create.isBusy || update.isBusy}
      message={messageOf(failure, members)}
      onClose={onClose}
      onSubmit={submit}
    >
      <TextField label={Texts.name} {...text("name", "name")} />
      <TextField
        label={Texts.url}
        hint={settings !== null && settings.agent_url === null ? Texts.urlByOperator : Texts.urlHint}
        type="url"
        placeholder="https://agent.example.com/v1"
        {...text("url", "agent_url")}
      />
      <TextField
        label={Common.optional(Texts.key)}
        hint={Texts.keyHints[settings?.agent_key ?? "none"]}
        type="password"
        {...text("key", "agent_key")}
      />
      {settings !== null && settings.agent_key !== null && (
        <Check label={Texts.removeKey} isChecked={removed.key} onChange={(key) => setRemoved({ ...removed, key })} />
      )}
      <div class="pair">
        <ChoiceField
          label={Texts.protocol}
          value={typed.protocol}
          choices={[
            ["openai-chat", Texts.protocols["openai-chat"]],
            ["openai-responses", Texts.protocols["openai-responses"]],
            ["anthropic", Texts.protocols.anthropic]
          ]}
          onChoose={(protocol) => setTyped({ ...typed, protocol })}
        />
        <TextField label={Common.optional(Texts.model)} {...text("model", "agent_model")} />
      </div>
      <ChoiceField
        label={Texts.memory}
        value={typed.memory}
        choices={[
          ["edge", Texts.memoryChoices.edge],
          ["agent", Texts.memoryChoices.agent]
        ]}
        onChoose={(memory) => setTyped({ ...typed, memory })}
      />
      {typed.memory === "edge" && (
        <TextField
          label={Common.optional(Texts.instructions)}
          hint={Texts.instructionsHint}
          rows={4}
          {...text("instructions", "instructions")}
        />
      )}
      <ChoiceField
        label={Texts.contact}
        hint={Texts.contactHint}
        value={typed.contact}
        choices={[
          ["failed", Texts.contactChoices.failed],
          ["always", Texts.contactChoices.always],
          ["off", Texts.contactChoices.off]
        ]}
        onChoose={(contact) => setTyped({ ...typed, contact })}
      />
      <TextField
        label={Common.optional(Texts.origins)}
        hint={Texts.originsHint}
        placeholder="https://www.example.com"
        rows={2}
        {...text("origins", "origins")}
      />
      <details class="more" open={collapsedMembers.some((member) => faultOf(failure, member) !== undefined)}>
        <summary>{Texts.limits}</summary>
        <div class="form-fields">
          <div class="pair">
            <TextField label={Texts.history} type="number" {...text("history", "history")} />
            <TextField
              label={Texts.historyCharacters}
              type="number"
              {...text("historyCharacters", "history_characters")}
            />
          </div>
          <div class="pair">
            <TextField label={Texts.maxTokens} type="number" {...text("maxTokens", "max_tokens")} />
            <TextField
              label={Common.optional(Texts.dailyTokens)}
              type="number"
              {...text("dailyTokens", "daily_tokens")}
            />
          </div>
          <div class="pair">
            <TextField
              label={Common.optional(Texts.keyHeader)}
              placeholder="api-key"
              {...text("keyHeader", "agent_key_header")}
            />
            <ChoiceField
              label={Texts.conversationIds}
              value={typed.conversationIds}
              choices={[
                ["service", Texts.conversationIdChoices.service],
                ["client", Texts.conversationIdChoices.client]
              ]}
              onChoose={(conversationIds) => setTyped({ ...typed, conversationIds })}
            />
          </div>
          <TextField
            label={Common.optional(Texts.body)}
            hint={bodyNames.length === 0 ? Texts.bodyHint : Texts.storedNames(bodyNames)}
            rows={3}
            isCode
            {...text("body", "agent_body")}
          />
          {bodyNames.length > 0 && (
            <Check
              label={Texts.removeBody}
              isChecked={removed.body}
              onChange={(body) => setRemoved({ ...removed, body })}
            />
          )}
          <TextField
            label={Common.optional(Texts.headers)}
            hint={headerNames.length === 0 ? Texts.headersHint : Texts.storedNames(headerNames)}
            rows={2}
            {...text("headers", "agent_headers")}
          />
          {headerNames.length > 0 && (
            <Check
              label={Texts.removeHeaders}
              isChecked={removed.headers}
              onChange={(headers) => setRemoved({ ...removed, headers })}
            />
          )}
        </div>
      </details>
    </FormDialog>
  )
}
