/**
 * The endpoints that create, read, change, delete and test an instance, at and below
 * `/v1/owner/sites/{site_id}/instances`.
 *
 * @module
 */
import { Clock, Effect } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { OwnerApi } from "../api/OwnerApi.ts"
import * as Authorized from "../sites/access/Authorized.ts"
import { CallerOperations } from "../sites/access/CallerOperations.ts"
import * as Errors from "../sites/access/Errors.ts"
import { type Outcome, ofOwner, problemOf } from "./agent/AgentCheck.ts"
import { AgentCheck } from "./agent/Inspection.ts"
import type { Instance } from "./Instance.ts"
import * as InstanceChanges from "./InstanceChanges.ts"
import { InstanceDirectory } from "./InstanceDirectory.ts"
import type { InstanceChange as GivenChange } from "./OwnerInstancesApi.ts"

const toJson = (instance: Instance) => ({
  instance_id: instance.instanceId,
  name: instance.name,
  agent_url: instance.isGuarded ? instance.agentUrl : null,
  agent_protocol: instance.agentProtocol,
  agent_model: instance.agentModel,
  agent_key:
    instance.agentKey !== null ? ("value" as const) : instance.agentKeyEnv !== null ? ("operator" as const) : null,
  agent_key_header: instance.agentKeyHeader,
  agent_body_fields: instance.agentBody?.names ?? [],
  agent_header_names: instance.agentHeaders?.names ?? [],
  memory: instance.memory,
  conversation_ids: instance.conversationIds,
  instructions: instance.instructions,
  history: instance.historyMessages,
  history_characters: instance.historyCharacters,
  max_tokens: instance.maxTokens,
  daily_tokens: instance.dailyTokens,
  origins: instance.origins
})

const withoutUndefined = <A extends object>(members: A) =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as {
    readonly [K in keyof A]?: Exclude<A[K], undefined>
  }

/** The settings besides the name and the agent's URL. */
const settingsOf = (payload: Omit<(typeof GivenChange)["Type"], "name" | "agent_url">) =>
  withoutUndefined({
    key: payload.agent_key,
    body: payload.agent_body,
    headers: payload.agent_headers,
    agentProtocol: payload.agent_protocol,
    agentModel: payload.agent_model,
    agentKeyHeader: payload.agent_key_header,
    memory: payload.memory,
    conversationIds: payload.conversation_ids,
    instructions: payload.instructions,
    historyMessages: payload.history,
    historyCharacters: payload.history_characters,
    maxTokens: payload.max_tokens,
    dailyTokens: payload.daily_tokens,
    origins: payload.origins
  })

const testJson = (outcome: Outcome, millis: number) => {
  const isAnswered = outcome._tag === "Answered"
  return {
    answered: isAnswered,
    text: isAnswered && outcome.text !== "" ? outcome.text : null,
    first_word_millis: isAnswered ? outcome.firstWordMillis : null,
    millis,
    problem: problemOf(outcome),
    status: outcome._tag === "Refused" ? outcome.status : null
  }
}

/** How long the agent may take to answer: a runtime may have to load its model first. */
const testTimeout = "30 seconds"

const notFound = Errors.make("NotFound", "This website has no such instance. The instance may have been deleted.")

export const layer = (options: InstanceChanges.Options) =>
  HttpApiBuilder.group(
    OwnerApi,
    "instances",
    Effect.fnUntraced(function* (handlers) {
      const directory = yield* InstanceDirectory
      const changes = yield* InstanceChanges.make(options)
      const check = yield* AgentCheck
      const operations = yield* CallerOperations
      return handlers
        .handle(
          "create",
          Effect.fnUntraced(function* ({ payload: { agent_url: agentUrl, name, ...settings } }) {
            const proof = yield* Authorized.settings.change.proof
            return toJson(yield* changes.create(proof, { name, agentUrl, ...settingsOf(settings) }))
          })
        )
        .handle(
          "read",
          Effect.fnUntraced(function* ({ params }) {
            return toJson(yield* changes.find(yield* Authorized.settings.change.proof, params.instance_id))
          })
        )
        .handle(
          "update",
          Effect.fnUntraced(function* ({ params, payload: { agent_url: agentUrl, name, ...settings } }) {
            const proof = yield* Authorized.settings.change.proof
            const change = { ...withoutUndefined({ name, agentUrl }), ...settingsOf(settings) }
            return toJson(yield* changes.update(proof, params.instance_id, change))
          })
        )
        .handle(
          "delete",
          Effect.fnUntraced(function* ({ params }) {
            const { instanceId } = yield* changes.find(yield* Authorized.settings.change.proof, params.instance_id)
            if (!(yield* directory.delete(instanceId))) return yield* Effect.fail(notFound)
          })
        )
        .handle(
          "test",
          Effect.fnUntraced(function* ({ params, payload: { question } }) {
            const proof = yield* Authorized.settings.change.proof
            yield* operations.beginTest
            const begun = yield* Clock.currentTimeMillis
            const instance = yield* changes.find(proof, params.instance_id)
            const outcome = yield* check.ask(instance, ofOwner(question), testTimeout)
            return testJson(outcome, (yield* Clock.currentTimeMillis) - begun)
          })
        )
    })
  )
