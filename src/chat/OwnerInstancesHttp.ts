/**
 * The endpoints that create, read, change, delete and test an instance, at and below
 * `/v1/owner/sites/{site_id}/instances`.
 *
 * @module
 */
import { Clock, Effect } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { OwnerApi } from "../api/OwnerApi.ts"
import { CallerOperations } from "../sites/access/CallerOperations.ts"
import * as Failures from "../sites/access/Failures.ts"
import { OwnerSites } from "../sites/OwnerSites.ts"
import { type Outcome, problemOf } from "./agent/AgentCheck.ts"
import type { Instance } from "./Instance.ts"
import { OwnerInstances } from "./OwnerInstances.ts"
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

export const layer = HttpApiBuilder.group(
  OwnerApi,
  "instances",
  Effect.fnUntraced(function* (handlers) {
    const ownerSites = yield* OwnerSites
    const instances = yield* OwnerInstances
    const operations = yield* CallerOperations
    return handlers
      .handle("create", ({ params, payload: { agent_url: agentUrl, name, ...settings } }) =>
        ownerSites.authorize(params.site_id, "write").pipe(
          Effect.flatMap((proof) => instances.create(proof, { name, agentUrl, ...settingsOf(settings) })),
          Effect.map(toJson),
          Effect.catchTags(Failures.ofCreation)
        )
      )
      .handle("read", ({ params }) =>
        ownerSites.authorize(params.site_id, "write").pipe(
          Effect.flatMap((proof) => instances.find(proof, params.instance_id)),
          Effect.map(toJson),
          Effect.catchTag("StorageUnavailable", Failures.ofStorage)
        )
      )
      .handle("update", ({ params, payload: { agent_url: agentUrl, name, ...settings } }) =>
        ownerSites.authorize(params.site_id, "write").pipe(
          Effect.flatMap((proof) =>
            instances.update(proof, params.instance_id, {
              ...withoutUndefined({ name, agentUrl }),
              ...settingsOf(settings)
            })
          ),
          Effect.map(toJson),
          Effect.catchTag("StorageUnavailable", Failures.ofStorage)
        )
      )
      .handle("delete", ({ params }) =>
        ownerSites.authorize(params.site_id, "write").pipe(
          Effect.flatMap((proof) => instances.delete(proof, params.instance_id)),
          Effect.catchTag("StorageUnavailable", Failures.ofStorage)
        )
      )
      .handle(
        "test",
        Effect.fnUntraced(
          function* ({ params, payload: { question } }) {
            const proof = yield* ownerSites.authorize(params.site_id, "write")
            yield* operations.beginTest
            const begun = yield* Clock.currentTimeMillis
            const outcome = yield* instances.test(proof, params.instance_id, question)
            return testJson(outcome, (yield* Clock.currentTimeMillis) - begun)
          },
          Effect.catchTag("StorageUnavailable", Failures.ofStorage)
        )
      )
  })
)
