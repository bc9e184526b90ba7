/**
 * `instance create`, `update`, `delete` and `list`: the agents of chat widgets.
 *
 * @module
 */
import { Effect } from "effect"
import { Command } from "effect/cli"
import type { OperatorInstance } from "../../chat/Instance.ts"
import * as TerminalText from "../../platform/text/TerminalText.ts"
import * as Client from "../client/Client.ts"
import * as Websites from "../client/Websites.ts"
import * as Diagnosis from "../doctor/Diagnosis.ts"
import * as Operator from "../operator/Operator.ts"
import * as Inputs from "../support/Inputs.ts"
import * as InstanceInputs from "../support/InstanceInputs.ts"
import * as Output from "../support/Output.ts"

const originsText = ({ origins }: OperatorInstance): string => origins.join(" ") || "any"

const namesText = (names: ReadonlyArray<string>): string => names.join(" ") || "-"

/** The first words of a text, on one line. */
const beginning = (text: string): string => TerminalText.truncate(TerminalText.printable(text.replace(/\s+/g, " ")), 60)

const text = (instance: OperatorInstance): string =>
  Output.facts([
    ["name", instance.name],
    ["instance_id", instance.instance_id],
    ["website_config_id", instance.website_config_id ?? "-"],
    ["agent_url", instance.agent_url],
    ["agent_protocol", instance.agent_protocol],
    ["agent_model", instance.agent_model ?? "-"],
    ["agent_key_env", instance.agent_key_env ?? "-"],
    ["agent_key_header", instance.agent_key_header ?? "-"],
    ["agent_body_fields", namesText(instance.agent_body_fields)],
    ["agent_header_names", namesText(instance.agent_header_names)],
    ["memory", instance.memory],
    ["conversation_ids", instance.conversation_ids],
    ["instructions", instance.instructions === null ? "-" : beginning(instance.instructions)],
    ["history", String(instance.history)],
    ["history_characters", String(instance.history_characters)],
    ["max_tokens", String(instance.max_tokens)],
    ["daily_tokens", String(instance.daily_tokens ?? "-")],
    ["contact", instance.contact],
    ["origins", originsText(instance)]
  ])

/** The flags of members whose names differ from the flag. */
const memberFlags = { agent_headers: "agent-header", website_config_id: "site" }

type Instances = Effect.Success<ReturnType<Awaited<ReturnType<typeof Operator.instances>>["make"]>>

/** Does something with instances. `id` is the instance that it names. */
const instances = <A, E extends { readonly _tag: string }, R>(
  id: string | null,
  request: (instances: Instances) => Effect.Effect<A, E, R>
) =>
  Client.operator(
    Operator.instances,
    { ...(id !== null && { notFound: Output.notFound("instance", id) }), flags: memberFlags },
    request
  )

/** Sends the agent a test question, and warns if it does not answer. The instance stays stored. */
const check = Effect.fnUntraced(function* ({ instance_id, name }: OperatorInstance) {
  const outcome = yield* instances(instance_id, (instances) => instances.test(instance_id))
  const { advice, finding, severity } = Diagnosis.ofAgent({ instance_id, name, outcome })
  if (severity === "ok") return
  yield* Output.note(TerminalText.printable(`Warning: ${finding} ${advice ?? ""}`.trimEnd()))
})

/** The members whose change may make the agent unreachable. */
const ofAgent = [
  "agent_key_env",
  "agent_key_header",
  "agent_body",
  "agent_headers",
  "agent_model",
  "agent_protocol",
  "agent_url"
]

/** The website that `--site` names, which must exist; null without the flag. */
const siteOf = (site: string | null) =>
  site === null ? Effect.succeed(null) : Effect.map(Websites.find(site), ({ site_id }) => site_id)

/** The flags of both `create` and `update`; null if absent. */
const common = {
  site: InstanceInputs.site,
  agent_protocol: InstanceInputs.agentProtocol,
  agent_model: InstanceInputs.agentModel,
  agent_key_env: InstanceInputs.agentKeyEnv,
  agent_key_header: InstanceInputs.agentKeyHeader,
  agent_body: InstanceInputs.agentBody,
  agent_headers: InstanceInputs.agentHeaders,
  memory: InstanceInputs.memory,
  conversation_ids: InstanceInputs.conversationIds,
  instructions: InstanceInputs.instructions,
  history: InstanceInputs.history,
  history_characters: InstanceInputs.historyCharacters,
  max_tokens: InstanceInputs.maxTokens,
  daily_tokens: InstanceInputs.dailyTokens,
  contact: InstanceInputs.contact
}

type Given<A> = { readonly [K in keyof A]?: Exclude<A[K], null> }

/** The flags that were given. */
const given = <A extends object>(flags: A): Given<A> =>
  Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== null)) as Given<A>

const create = Command.make(
  "create",
  {
    ...common,
    name: Inputs.name("instance"),
    agent_url: InstanceInputs.agentUrl,
    origins: Inputs.origins("instance"),
    noCheck: InstanceInputs.noCheck
  },
  Effect.fnUntraced(function* ({ noCheck, site, ...flags }) {
    const website_config_id = yield* siteOf(site)
    const instance = yield* instances(null, (instances) =>
      instances.create({ ...given({ ...flags, website_config_id }), name: flags.name, agent_url: flags.agent_url })
    )
    yield* Output.answer({ json: instance, text: text(instance) })
    if (!noCheck) yield* check(instance)
  })
).pipe(
  Command.withDescription("Create an instance of an agent"),
  Command.withExamples([
    {
      command: "hydracore instance create --name Support --agent-url http://localhost:9000 --agent-key-env AGENT_KEY",
      description: "An agent whose key the service reads from the variable AGENT_KEY"
    },
    {
      command:
        "hydracore instance create --name Support --agent-url http://localhost:9000 --instructions @prompt.txt --history 20",
      description: "An agent that gets a system prompt and the last 20 messages of a conversation"
    }
  ])
)

/** The flags with which `update` clears settings. */
const clearing = {
  noSite: Inputs.withoutValue("no-site", "The instance serves no website"),
  noAgentModel: Inputs.withoutValue("no-agent-model", "Let the agent choose the model"),
  noAgentKeyEnv: Inputs.withoutValue("no-agent-key-env", "Send the agent no key"),
  noAgentKeyHeader: Inputs.withoutValue("no-agent-key-header", "Send the key in the protocol's own header"),
  noAgentBody: Inputs.withoutValue("no-agent-body", "Send the agent no additional fields"),
  noAgentHeaders: Inputs.withoutValue("no-agent-header", "Send the agent no additional headers"),
  noInstructions: Inputs.withoutValue("no-instructions", "Send the agent no system prompt"),
  noDailyTokens: Inputs.withoutValue("no-daily-tokens", "Let the instance use any number of tokens")
}

/** The new value of a field that may be cleared; undefined if neither flag is given. */
const clearable = <A>(flag: string, value: A | null, isCleared: boolean) =>
  Inputs.changeTo<A, null>(
    { flag, value: value ?? undefined },
    { flag: `no-${flag}`, isGiven: isCleared, cleared: null }
  )

const update = Command.make(
  "update",
  {
    ...common,
    ...clearing,
    instanceId: Inputs.instance,
    name: Inputs.newName("instance"),
    agent_url: InstanceInputs.newAgentUrl,
    origins: Inputs.newOrigins("instance"),
    anyOrigin: Inputs.anyOrigin("instance"),
    noCheck: InstanceInputs.noCheck
  },
  Effect.fnUntraced(function* (input) {
    const payload = yield* Inputs.requireChange(
      {
        name: input.name ?? undefined,
        website_config_id: yield* clearable("site", yield* siteOf(input.site), input.noSite),
        agent_url: input.agent_url ?? undefined,
        agent_protocol: input.agent_protocol ?? undefined,
        agent_model: yield* clearable("agent-model", input.agent_model, input.noAgentModel),
        agent_key_env: yield* clearable("agent-key-env", input.agent_key_env, input.noAgentKeyEnv),
        agent_key_header: yield* clearable("agent-key-header", input.agent_key_header, input.noAgentKeyHeader),
        agent_body: yield* clearable("agent-body", input.agent_body, input.noAgentBody),
        agent_headers: yield* clearable("agent-header", input.agent_headers, input.noAgentHeaders),
        memory: input.memory ?? undefined,
        conversation_ids: input.conversation_ids ?? undefined,
        instructions: yield* clearable("instructions", input.instructions, input.noInstructions),
        history: input.history ?? undefined,
        history_characters: input.history_characters ?? undefined,
        max_tokens: input.max_tokens ?? undefined,
        daily_tokens: yield* clearable("daily-tokens", input.daily_tokens, input.noDailyTokens),
        contact: input.contact ?? undefined,
        origins: yield* Inputs.originsToBe(input.origins, input.anyOrigin)
      },
      "hydracore instance update"
    )
    const instance = yield* instances(input.instanceId, (instances) => instances.update(input.instanceId, payload))
    yield* Output.answer({
      json: instance,
      text: `${text(instance)}\nThe change takes effect in every process within a second.\n`
    })
    if (!input.noCheck && ofAgent.some((member) => member in payload)) yield* check(instance)
  })
).pipe(
  Command.withDescription(
    "Change an instance; settings without a flag stay as they are. Takes effect in every process within a second"
  ),
  Command.withExamples([
    {
      command:
        "hydracore instance update --instance 6f1f4c1e-9b0b-4a4e-8d5f-0a6f5d2b7c11 --agent-url http://localhost:9001",
      description: "The agent has moved; the tokens in the website's pages stay valid"
    },
    {
      command: "hydracore instance update --instance 6f1f4c1e-9b0b-4a4e-8d5f-0a6f5d2b7c11 --memory edge",
      description: "The service stores conversations from now on"
    }
  ])
)

const remove = Command.make(
  "delete",
  { instanceId: Inputs.instance },
  Effect.fnUntraced(function* ({ instanceId }) {
    yield* instances(instanceId, (instances) => instances.delete(instanceId))
    yield* Output.answer({
      json: { instance_id: instanceId, deleted: true },
      text: `The instance ${instanceId} is deleted with its tokens and conversations.\n`
    })
  })
).pipe(
  Command.withDescription(
    "Delete an instance with its tokens and conversations; takes effect in every process within a second"
  )
)

const list = Command.make(
  "list",
  {},
  Effect.fnUntraced(function* () {
    const listed = yield* instances(null, (instances) => instances.list("all"))
    yield* Output.answer({
      json: listed,
      text: Output.table(
        ["NAME", "INSTANCE_ID", "AGENT_URL", "PROTOCOL", "MODEL", "KEY_ENV", "MEMORY", "WEBSITE", "ORIGINS"],
        listed.instances.map((instance) => [
          instance.name,
          instance.instance_id,
          instance.agent_url,
          instance.agent_protocol,
          instance.agent_model ?? "-",
          instance.agent_key_env ?? "-",
          instance.memory,
          instance.website_config_id ?? "-",
          originsText(instance)
        ]),
        "There are no instances yet. `hydracore instance create` creates one."
      )
    })
  })
).pipe(Command.withDescription("List the instances, oldest first; --json shows every setting"))

export const command = Client.command("instance", "Instances of agents", create, update, remove, list)
