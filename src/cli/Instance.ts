/**
 * `instance create` and `instance list`: the agents that the chat widgets talk to.
 *
 * @module
 */
import { Effect, type Layer } from "effect"
import { Command } from "effect/cli"
import { InstanceDirectory } from "../services/InstanceDirectory.ts"
import * as Inputs from "./Inputs.ts"
import * as Output from "./Output.ts"

const create = Command.make(
  "create",
  {
    name: Inputs.name("instance"),
    agentUrl: Inputs.agentUrl,
    agentModel: Inputs.agentModel,
    agentKeyEnv: Inputs.agentKeyEnv,
    origins: Inputs.origins
  },
  Effect.fnUntraced(function* (input) {
    const directory = yield* InstanceDirectory
    const instance = yield* directory.create(input)
    yield* Output.answer({
      json: { instance_id: instance.instanceId },
      text: Output.facts([
        ["name", instance.name],
        ["instance_id", instance.instanceId],
        ["agent_url", instance.agentUrl],
        ["agent_model", instance.agentModel ?? "-"],
        ["agent_key_env", instance.agentKeyEnv ?? "-"],
        ["origins", instance.origins.join(" ") || "any"]
      ])
    })
  })
).pipe(
  Command.withDescription("Create an instance of an agent"),
  Command.withExamples([
    {
      command: "hydracore instance create --name Support --agent-url http://localhost:9000 --agent-key-env AGENT_KEY",
      description: "An agent whose bearer key the server finds in the variable AGENT_KEY"
    }
  ])
)

const list = Command.make(
  "list",
  {},
  Effect.fnUntraced(function* () {
    const directory = yield* InstanceDirectory
    const instances = yield* directory.list
    yield* Output.answer({
      json: instances.map((instance) => ({
        instance_id: instance.instanceId,
        name: instance.name,
        agent_url: instance.agentUrl,
        agent_model: instance.agentModel,
        agent_key_env: instance.agentKeyEnv,
        origins: [...instance.origins]
      })),
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
export const command = <E, R>(storage: Layer.Layer<InstanceDirectory, E, R>) =>
  Command.make("instance").pipe(
    Command.withDescription("Instances of agents"),
    Command.withSubcommands([create.pipe(Command.provide(storage)), list.pipe(Command.provide(storage))])
  )
