/**
 * Creates or changes an assistant.
 *
 * @module
 */
import { useChange, useWhileShown } from "../parts/Change.ts"
import { faultOf } from "../parts/FailureText.ts"
import type { Answer, Input } from "../Requests.ts"
import * as Texts from "../texts/Assistants.ts"
import * as Common from "../texts/SetUp.ts"
import { FormDialog } from "./Dialogs.tsx"
import { Check, ChoiceField, TextField, useFields } from "./Fields.tsx"
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

/** The form begins with the settings, but for the secrets, which are not shown: each is replaced, removed or kept. */
const initial = (settings: Settings | null) => ({
  name: settings?.name ?? "",
  agent_url: settings?.agent_url ?? "",
  agent_key: "",
  agent_protocol: settings?.agent_protocol ?? ("openai-chat" as const),
  agent_model: settings?.agent_model ?? "",
  agent_key_header: settings?.agent_key_header ?? "",
  agent_body: "",
  agent_headers: "",
  memory: settings?.memory ?? ("edge" as const),
  contact: settings?.contact ?? ("failed" as const),
  conversation_ids: settings?.conversation_ids ?? ("service" as const),
  instructions: settings?.instructions ?? "",
  history: String(settings?.history ?? 40),
  history_characters: String(settings?.history_characters ?? 60_000),
  max_tokens: String(settings?.max_tokens ?? 4096),
  daily_tokens: String(settings?.daily_tokens ?? ""),
  origins: (settings?.origins ?? []).join("\n"),
  removesKey: false,
  removesBody: false,
  removesHeaders: false
})

const orNull = (text: string): string | null => text.trim() || null

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
const bodyOf = (typed: ReturnType<typeof initial>): Body => ({
  name: typed.name,
  agent_protocol: typed.agent_protocol,
  agent_model: orNull(typed.agent_model),
  agent_key_header: orNull(typed.agent_key_header),
  memory: typed.memory,
  contact: typed.contact,
  conversation_ids: typed.conversation_ids,
  // The form hides the instructions of an agent with its own memory.
  ...(typed.memory === "edge" && { instructions: orNull(typed.instructions) }),
  history: Number(typed.history),
  history_characters: Number(typed.history_characters),
  max_tokens: Number(typed.max_tokens),
  daily_tokens: typed.daily_tokens.trim() === "" ? null : Number(typed.daily_tokens),
  origins: Lines.parseOrigins(typed.origins),
  ...secretMember("agent_key", typed.agent_key || null, typed.removesKey),
  ...secretMember("agent_body", typed.agent_body.trim() === "" ? null : parseJson(typed.agent_body), typed.removesBody),
  ...secretMember(
    "agent_headers",
    typed.agent_headers.trim() === "" ? null : Lines.parseHeaders(typed.agent_headers),
    typed.removesHeaders
  )
})

export const AssistantForm = ({ onClose, onSaved, settings, siteId }: Props) => {
  const create = useChange("POST /v1/owner/sites/:site_id/instances")
  const update = useChange("PATCH /v1/owner/sites/:site_id/instances/:instance_id")
  const saved = useWhileShown(onSaved)
  const failure = create.failure ?? update.failure
  const { check, choice, lines, message, text, values: typed } = useFields(initial(settings), failure)
  const bodyNames = settings?.agent_body_fields ?? []
  const headerNames = settings?.agent_header_names ?? []
  const submit = () => {
    const body = bodyOf(typed)
    const url = typed.agent_url.trim()
    if (settings === null) {
      create.run({ params: { site_id: siteId }, body: { ...body, name: typed.name, agent_url: url } }, saved)
    } else {
      update.run(
        {
          params: { site_id: siteId, instance_id: settings.instance_id },
          // Only an address that is not shown stays if the field is empty.
          body: { ...body, ...((url !== "" || settings.agent_url !== null) && { agent_url: url }) }
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
      isBusy={create.isBusy || update.isBusy}
      message={message}
      onClose={onClose}
      onSubmit={submit}
    >
      <TextField label={Texts.name} {...text("name")} />
      <TextField
        label={Texts.url}
        hint={settings !== null && settings.agent_url === null ? Texts.urlByOperator : Texts.urlHint}
        type="url"
        placeholder="https://agent.example.com/v1"
        {...text("agent_url")}
      />
      <TextField
        label={Common.optional(Texts.key)}
        hint={Texts.keyHints[settings?.agent_key ?? "none"]}
        type="password"
        {...text("agent_key")}
      />
      {settings !== null && settings.agent_key !== null && <Check label={Texts.removeKey} {...check("removesKey")} />}
      <div class="pair">
        <ChoiceField
          label={Texts.protocol}
          choices={[
            ["openai-chat", Texts.protocols["openai-chat"]],
            ["openai-responses", Texts.protocols["openai-responses"]],
            ["anthropic", Texts.protocols.anthropic]
          ]}
          {...choice("agent_protocol")}
        />
        <TextField label={Common.optional(Texts.model)} {...text("agent_model")} />
      </div>
      <ChoiceField
        label={Texts.memory}
        choices={[
          ["edge", Texts.memoryChoices.edge],
          ["agent", Texts.memoryChoices.agent]
        ]}
        {...choice("memory")}
      />
      {typed.memory === "edge" && (
        <TextField
          label={Common.optional(Texts.instructions)}
          hint={Texts.instructionsHint}
          rows={4}
          {...text("instructions")}
        />
      )}
      <ChoiceField
        label={Texts.contact}
        hint={Texts.contactHint}
        choices={[
          ["failed", Texts.contactChoices.failed],
          ["always", Texts.contactChoices.always],
          ["off", Texts.contactChoices.off]
        ]}
        {...choice("contact")}
      />
      <TextField
        label={Common.optional(Texts.origins)}
        hint={Texts.originsHint}
        placeholder="https://www.example.com"
        rows={2}
        {...lines("origins")}
      />
      <details class="more" open={collapsedMembers.some((member) => faultOf(failure, member) !== undefined)}>
        <summary>{Texts.limits}</summary>
        <div class="form-fields">
          <div class="pair">
            <TextField label={Texts.history} type="number" {...text("history")} />
            <TextField label={Texts.historyCharacters} type="number" {...text("history_characters")} />
          </div>
          <div class="pair">
            <TextField label={Texts.maxTokens} type="number" {...text("max_tokens")} />
            <TextField label={Common.optional(Texts.dailyTokens)} type="number" {...text("daily_tokens")} />
          </div>
          <div class="pair">
            <TextField label={Common.optional(Texts.keyHeader)} placeholder="api-key" {...text("agent_key_header")} />
            <ChoiceField
              label={Texts.conversationIds}
              choices={[
                ["service", Texts.conversationIdChoices.service],
                ["client", Texts.conversationIdChoices.client]
              ]}
              {...choice("conversation_ids")}
            />
          </div>
          <TextField
            label={Common.optional(Texts.body)}
            hint={bodyNames.length === 0 ? Texts.bodyHint : Texts.storedNames(bodyNames)}
            rows={3}
            isCode
            {...text("agent_body")}
          />
          {bodyNames.length > 0 && <Check label={Texts.removeBody} {...check("removesBody")} />}
          <TextField
            label={Common.optional(Texts.headers)}
            hint={headerNames.length === 0 ? Texts.headersHint : Texts.storedNames(headerNames)}
            rows={2}
            {...text("agent_headers")}
          />
          {headerNames.length > 0 && <Check label={Texts.removeHeaders} {...check("removesHeaders")} />}
        </div>
      </details>
    </FormDialog>
  )
}
