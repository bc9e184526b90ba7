/**
 * `instance create`, `instance update`, `instance delete` and `instance list`: the agents that the chat widgets talk to.
 *
 * @module
 */
import { Effect, Layer, Option } from "effect"
import { Command } from "effect/cli"
import * as Inspection from "../agent/Inspection.ts"
import type { Instance, InstanceChange } from "../core/chat/Instance.ts"
import * as AgentDiagnosis from "../core/doctor/AgentDiagnosis.ts"
import * as TerminalText from "../core/text/TerminalText.ts"
import type { AgentStream } from "../services/chat/AgentStream.ts"
import { InstanceDirectory } from "../services/chat/InstanceDirectory.ts"
import * as Change from "./support/Change.ts"
import * as Inputs from "./support/Inputs.ts"
import * as Output from "./support/Output.ts"

const json = (instance: Instance) => ({
  instance_id: instance.instanceId,
  name: instance.name,
  agent_url: instance.agentUrl,
  agent_model: instance.agentModel,
  agent_key_env: instance.agentKeyEnv,
  origins: [...instance.origins]
})

const text = (instance: Instance): string =>
  Output.facts([
    ["name", instance.name],
    ["instance_id", instance.instanceId],
    ["agent_url", instance.agentUrl],
    ["agent_model", instance.agentModel ?? "-"],
    ["agent_key_env", instance.agentKeyEnv ?? "-"],
    ["origins", instance.origins.join(" ") || "any"]
  ])

/** How long the agent may take to answer: a runtime may have to load its model first. */
const checkPatience = "30 seconds"

/** Asks the agent one question, and warns if it gives no answer: the instance is there all the same. */
const check = Effect.fnUntraced(function* (instance: Instance) {
  const { advice, finding, severity } = AgentDiagnosis.ofAgent(yield* Inspection.inspect(instance, checkPatience))
  if (severity === "ok") return
  yield* Output.note(TerminalText.printable(`Warning: ${finding} ${advice ?? ""}`.trimEnd()))
})

const create = Command.make(
  "create",
  {
    name: Inputs.name("instance"),
    agentUrl: Inputs.agentUrl,
    agentModel: Inputs.agentModel,
    agentKeyEnv: Inputs.agentKeyEnv,
    origins: Inputs.origins,
    noCheck: Inputs.mark("no-check", "Do not ask the agent a question")
  },
  Effect.fnUntraced(function* ({ noCheck, ...input }) {
    const directory = yield* InstanceDirectory
    const instance = yield* directory.create(input)
    yield* Output.answer({ json: { instance_id: instance.instanceId }, text: text(instance) })
    if (!noCheck) yield* check(instance)
  })
).pipe(
  Command.withDescription("Create an instance of an agent"),
  Command.withExamples([
    {
      command: "hydracore instance create --name Support --agent-url http://localhost:9000 --agent-key-env AGENT_KEY",
      description: "An agent whose key the server finds in the variable AGENT_KEY"
    }
  ])
)

const update = Command.make(
  "update",
  {
    instanceId: Inputs.instance,
    name: Inputs.newName("instance"),
    agentUrl: Inputs.newAgentUrl,
    agentModel: Inputs.agentModel,
    noAgentModel: Inputs.mark("no-agent-model", "Ask the agent for no model from now on"),
    agentKeyEnv: Inputs.agentKeyEnv,
    noAgentKeyEnv: Inputs.mark("no-agent-key-env", "Ask the agent without a bearer key from now on"),
    origins: Inputs.newOrigins,
    anyOrigin: Inputs.anyOrigin
  },
  Effect.fnUntraced(function* (input) {
    const change = yield* Change.asked<InstanceChange>(
      {
        name: input.name ?? undefined,
        agentUrl: input.agentUrl ?? undefined,
        agentModel: yield* Change.changeTo(
          { flag: "agent-model", value: input.agentModel ?? undefined },
          { flag: "no-agent-model", isGiven: input.noAgentModel, bare: null }
        ),
        agentKeyEnv: yield* Change.changeTo(
          { flag: "agent-key-env", value: input.agentKeyEnv ?? undefined },
          { flag: "no-agent-key-env", isGiven: input.noAgentKeyEnv, bare: null }
        ),
        origins: yield* Change.originsToBe(input.origins, input.anyOrigin)
      },
      [
        "name",
        "agent-url",
        "agent-model",
        "no-agent-model",
        "agent-key-env",
        "no-agent-key-env",
        "origin",
        "any-origin"
      ]
    )
    const directory = yield* InstanceDirectory
    const instance = yield* directory.update(input.instanceId, change)
    if (Option.isNone(instance)) return yield* Output.notFound("instance", input.instanceId)
    yield* Output.answer({
      json: json(instance.value),
      text: `${text(instance.value)}\nEvery process that runs goes by it within a second.\n`
    })
  })
).pipe(
  Command.withDescription("Change an instance, on every process within a second; what is not given stays"),
  Command.withExamples([
    {
      command:
        "hydracore instance update --instance 6f1f4c1e-9b0b-4a4e-8d5f-0a6f5d2b7c11 --agent-url http://localhost:9001",
      description: "The agent has moved; the tokens in the website's pages stay good"
    }
  ])
)

const remove = Command.make(
  "delete",
  { instanceId: Inputs.instance },
  Effect.fnUntraced(function* ({ instanceId }) {
    const directory = yield* InstanceDirectory
    if (!(yield* directory.delete(instanceId))) return yield* Output.notFound("instance", instanceId)
    yield* Output.answer({
      json: { instance_id: instanceId, deleted: true },
      text: `The instance ${instanceId} is deleted, and its tokens with it.\n`
    })
  })
).pipe(Command.withDescription("Delete an instance and its tokens, on every process within a second"))

const list = Command.make(
  "list",
  {},
  Effect.fnUntraced(function* () {
    const directory = yield* InstanceDirectory
    const instances = yield* directory.list
    yield* Output.answer({
      json: instances.map(json),
      text: Output.table(
        ["NAME", "INSTANCE_ID", "AGENT_URL", "AGENT_MODEL", "AGENT_KEY_ENV", "ORIGINS"],
        instances.map((instance) => [
          instance.name,
          instance.instanceId,
          instance.agentUrl,
          instance.agentModel ?? "-",
          instance.agentKeyEnv ?? "-",
          instance.origins.join(" ") || "any"
        ]),
        "There is no instance yet; `hydracore instance create` makes one."
      )
    })
  })
).pipe(Command.withDescription("List the instances, oldest first"))

/** The command, on a storage that is opened when one of its subcommands runs, and not before. */
export const command = <E, R>(storage: Layer.Layer<InstanceDirectory, E, R>, agent: Layer.Layer<AgentStream, E, R>) =>
  Command.make("instance").pipe(
    Command.withDescription("Instances of agents"),
    Command.withSubcommands([
      create.pipe(Command.provide(Layer.merge(storage, agent))),
      update.pipe(Command.provide(storage)),
      remove.pipe(Command.provide(storage)),
      list.pipe(Command.provide(storage))
    ])
  )
