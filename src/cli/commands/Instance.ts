/**
 * `instance create`, `update`, `delete` and `list`: the agents of chat widgets.
 *
 * @module
 */
import { randomBytes, randomUUID } from "node:crypto"
import { Effect, Layer, Option, Redacted } from "effect"
import { Command } from "effect/cli"
import type * as AgentAdditions from "../../chat/AgentAdditions.ts"
import type { AgentStream } from "../../chat/AgentStream.ts"
import * as Inspection from "../../chat/agent/Inspection.ts"
import { type Additions, forOperator, type Instance, type InstanceChange } from "../../chat/Instance.ts"
import { InstanceDirectory } from "../../chat/InstanceDirectory.ts"
import * as SealedAdditions from "../../chat/SealedAdditions.ts"
import { SecretsKeyUnusable } from "../../delivery/Webhook.ts"
import { InstanceId, type WebsiteConfigId } from "../../platform/Id.ts"
import * as Sealing from "../../platform/secrets/Sealing.ts"
import * as TerminalText from "../../platform/text/TerminalText.ts"
import { SiteDirectory } from "../../sites/SiteDirectory.ts"
import * as DeliveryDiagnosis from "../doctor/DeliveryDiagnosis.ts"
import * as Change from "../support/Change.ts"
import * as Inputs from "../support/Inputs.ts"
import * as InstanceInputs from "../support/InstanceInputs.ts"
import * as Output from "../support/Output.ts"
import { SecretsKey } from "../support/SecretsKey.ts"

const originsText = ({ origins }: Instance): string => origins.join(" ") || "any"

const namesText = (additions: Additions | null): string => additions?.names.join(" ") ?? "-"

/** The first words of a text, on one line. */
const beginning = (text: string): string => TerminalText.truncate(TerminalText.printable(text.replace(/\s+/g, " ")), 60)

const text = (instance: Instance): string =>
  Output.facts([
    ["name", instance.name],
    ["instance_id", instance.instance_id],
    ["website_config_id", instance.website_config_id ?? "-"],
    ["agent_url", instance.agent_url],
    ["agent_protocol", instance.agent_protocol],
    ["agent_model", instance.agent_model ?? "-"],
    ["agent_key_env", instance.agent_key_env ?? "-"],
    ["agent_key_header", instance.agent_key_header ?? "-"],
    ["agent_body_fields", namesText(instance.agent_body)],
    ["agent_header_names", namesText(instance.agent_headers)],
    ["memory", instance.memory],
    ["conversation_ids", instance.conversation_ids],
    ["instructions", instance.instructions === null ? "-" : beginning(instance.instructions)],
    ["history", String(instance.history)],
    ["history_characters", String(instance.history_characters)],
    ["max_tokens", String(instance.max_tokens)],
    ["daily_tokens", String(instance.daily_tokens ?? "-")],
    ["origins", originsText(instance)]
  ])

/** The time limit of the agent's answer: a runtime may have to load its model first. */
const checkTimeout = "30 seconds"

/** Sends the agent a test question, and warns if it does not answer. The instance stays stored. */
const check = Effect.fnUntraced(function* (instance: Instance) {
  const { advice, finding, severity } = DeliveryDiagnosis.ofAgent(yield* Inspection.inspect(instance, checkTimeout))
  if (severity === "ok") return
  yield* Output.note(TerminalText.printable(`Warning: ${finding} ${advice ?? ""}`.trimEnd()))
})

/** Whether a change may have made the agent unreachable. */
const concernsAgent = (change: InstanceChange): boolean =>
  [
    change.agent_key_env,
    change.agent_key_header,
    change.agent_body,
    change.agent_headers,
    change.agent_model,
    change.agent_protocol,
    change.agent_url
  ].some((value) => value !== undefined)

/** Encrypts what an instance adds to requests. Undefined and null stay as they are. */
const seal = Effect.fnUntraced(function* (
  instanceId: InstanceId,
  {
    body,
    headers
  }: {
    readonly body: AgentAdditions.Body | null | undefined
    readonly headers: AgentAdditions.Headers | null | undefined
  }
) {
  const secretsKey = yield* SecretsKey
  const sealed = (kind: SealedAdditions.Kind, values: Readonly<Record<string, unknown>> | null | undefined) =>
    values === null || values === undefined
      ? Effect.succeed(values)
      : Option.match(secretsKey, {
          onNone: () => Effect.fail(new SecretsKeyUnusable({ reason: "missing" })),
          onSome: (key) =>
            Effect.sync(() =>
              SealedAdditions.seal(Redacted.value(key), randomBytes(Sealing.nonceBytes), instanceId, kind, values)
            )
        })
  return { agent_body: yield* sealed("body", body), agent_headers: yield* sealed("headers", headers) }
})

const requireSite = Effect.fnUntraced(function* (websiteConfigId: WebsiteConfigId | null | undefined) {
  if (websiteConfigId === null || websiteConfigId === undefined) return
  const sites = yield* SiteDirectory
  if (Option.isNone(yield* sites.byWebsiteConfigId(websiteConfigId))) {
    return yield* Output.notFound("website", websiteConfigId)
  }
})

/** The flags of both `create` and `update`; null if absent. */
const common = {
  website_config_id: InstanceInputs.site,
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
  daily_tokens: InstanceInputs.dailyTokens
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
  Effect.fnUntraced(function* ({ agent_body, agent_headers, agent_url, name, noCheck, origins, ...flags }) {
    yield* requireSite(flags.website_config_id)
    const directory = yield* InstanceDirectory
    const instanceId = InstanceId.make(randomUUID())
    const sealed = yield* seal(instanceId, { body: agent_body, headers: agent_headers })
    const additions = { agent_body: sealed.agent_body ?? null, agent_headers: sealed.agent_headers ?? null }
    const instance = yield* directory
      .create({ instance_id: instanceId, name, agent_url: agent_url, origins, ...given(flags), ...additions })
      .pipe(Effect.catchTag("LimitReached", Output.limitReached))
    yield* Output.answer({ json: { instance_id: instance.instance_id }, text: text(instance) })
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

const updateFlags = [
  ...["name", "site", "no-site", "agent-url", "agent-protocol", "agent-model", "no-agent-model", "agent-key-env"],
  ...["no-agent-key-env", "agent-key-header", "no-agent-key-header", "agent-body", "no-agent-body", "agent-header"],
  ...["no-agent-header", "memory", "conversation-ids", "instructions", "no-instructions", "history"],
  ...["history-characters", "max-tokens", "daily-tokens", "no-daily-tokens", "origin", "any-origin"]
]

/** The new value of a field that may be cleared; undefined if neither flag is given. */
const clearable = <A>(flag: string, value: A | null, isCleared: boolean) =>
  Change.changeTo<A, null>(
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
    const additions = yield* seal(input.instanceId, {
      body: yield* clearable("agent-body", input.agent_body, input.noAgentBody),
      headers: yield* clearable("agent-header", input.agent_headers, input.noAgentHeaders)
    })
    const change = yield* Change.require<InstanceChange>(
      {
        ...additions,
        name: input.name ?? undefined,
        website_config_id: yield* clearable("site", input.website_config_id, input.noSite),
        agent_url: input.agent_url ?? undefined,
        // An operator, unlike an owner, may name a private address.
        guarded: input.agent_url === null ? undefined : false,
        agent_protocol: input.agent_protocol ?? undefined,
        agent_model: yield* clearable("agent-model", input.agent_model, input.noAgentModel),
        agent_key_env: yield* clearable("agent-key-env", input.agent_key_env, input.noAgentKeyEnv),
        // A key in a variable, or no key, replaces one that the owner API stored.
        agent_key: input.agent_key_env === null && !input.noAgentKeyEnv ? undefined : null,
        agent_key_header: yield* clearable("agent-key-header", input.agent_key_header, input.noAgentKeyHeader),
        memory: input.memory ?? undefined,
        conversation_ids: input.conversation_ids ?? undefined,
        instructions: yield* clearable("instructions", input.instructions, input.noInstructions),
        history: input.history ?? undefined,
        history_characters: input.history_characters ?? undefined,
        max_tokens: input.max_tokens ?? undefined,
        daily_tokens: yield* clearable("daily-tokens", input.daily_tokens, input.noDailyTokens),
        origins: yield* Change.originsToBe(input.origins, input.anyOrigin)
      },
      updateFlags
    )
    yield* requireSite(change.website_config_id)
    const directory = yield* InstanceDirectory
    const instance = yield* directory.update(input.instanceId, change)
    if (Option.isNone(instance)) return yield* Output.notFound("instance", input.instanceId)
    yield* Output.answer({
      json: forOperator(instance.value),
      text: `${text(instance.value)}\nThe change takes effect in every process within a second.\n`
    })
    if (!input.noCheck && concernsAgent(change)) yield* check(instance.value)
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
    const directory = yield* InstanceDirectory
    if (!(yield* directory.delete("all", instanceId))) return yield* Output.notFound("instance", instanceId)
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
    const directory = yield* InstanceDirectory
    const instances = yield* directory.list("all")
    yield* Output.answer({
      json: instances.map(forOperator),
      text: Output.table(
        ["NAME", "INSTANCE_ID", "AGENT_URL", "PROTOCOL", "MODEL", "KEY_ENV", "MEMORY", "WEBSITE", "ORIGINS"],
        instances.map((instance) => [
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

/** The command. `storage` and `agent` are built only when a subcommand that needs them runs. */
export const command = <E, R>(
  storage: Layer.Layer<InstanceDirectory | SiteDirectory, E, R>,
  agent: Layer.Layer<AgentStream | SecretsKey, E, R>
) =>
  Command.make("instance").pipe(
    Command.withDescription("Instances of agents"),
    Command.withSubcommands([
      create.pipe(Command.provide(Layer.merge(storage, agent))),
      update.pipe(Command.provide(Layer.merge(storage, agent))),
      remove.pipe(Command.provide(storage)),
      list.pipe(Command.provide(storage))
    ])
  )
