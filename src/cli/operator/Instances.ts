/**
 * Instances and their tokens, as the operator manages them: of all websites and of none, with agents at private addresses and keys in
 * the variables of the service's environment.
 *
 * @module
 */
import { Effect, Option } from "effect"
import { AgentStream } from "../../chat/AgentStream.ts"
import * as AgentCheck from "../../chat/agent/AgentCheck.ts"
import * as Inspection from "../../chat/agent/Inspection.ts"
import * as Instance from "../../chat/Instance.ts"
import * as InstanceChanges from "../../chat/InstanceChanges.ts"
import { InstanceDirectory, instanceNotFound } from "../../chat/InstanceDirectory.ts"
import type { NewToken, Query } from "../../chat/OwnerTokensApi.ts"
import * as TokenHandlers from "../../chat/OwnerTokensHttp.ts"
import { WidgetTokens } from "../../chat/WidgetTokens.ts"
import type { InstanceId, TokenId, WebsiteConfigId } from "../../platform/Id.ts"

/** How long the agent may take to answer: a runtime may have to load its model first. */
const testTimeout = "30 seconds"

/** With the members of the schema, in its order. */
const shown = (instance: Instance.Instance) => Instance.OperatorInstance.make(Instance.forOperator(instance))

const orNotFound = <A, E>(instance: Effect.Effect<Option.Option<A>, E>) =>
  Effect.flatMap(
    instance,
    Effect.fromOption(() => instanceNotFound)
  )

export const make = Effect.fnUntraced(function* (options: InstanceChanges.Options) {
  const directory = yield* InstanceDirectory
  const changes = yield* InstanceChanges.make(options)
  const agent = yield* AgentStream
  const tokens = yield* TokenHandlers.make
  const { authenticate } = yield* WidgetTokens
  return {
    /** The instances of a website, or all, oldest first. */
    list: (siteId: WebsiteConfigId | "all") =>
      Effect.map(directory.list(siteId), (instances) => ({ instances: instances.map(shown) })),
    read: (id: InstanceId) => Effect.map(orNotFound(directory.read("all", id)), shown),
    create: (given: Parameters<typeof changes.createAsOperator>[0]) =>
      Effect.map(changes.createAsOperator(given), shown),
    update: (id: InstanceId, change: Parameters<typeof changes.updateAsOperator>[1]) =>
      Effect.map(orNotFound(changes.updateAsOperator(id, change)), shown),
    delete: (id: InstanceId) =>
      Effect.flatMap(directory.delete("all", id), (isDeleted) =>
        isDeleted ? Effect.void : Effect.fail(instanceNotFound)
      ),
    /** Sends the agent a short question. Unlike an owner's, the outcome has the reason of a failure. */
    test: (id: InstanceId) =>
      Effect.flatMap(orNotFound(directory.read("all", id)), (instance) =>
        Effect.provideService(Inspection.ask(instance, AgentCheck.ofOperator, testTimeout), AgentStream, agent)
      ),
    /** Whether a widget of the instance authenticates with this text. */
    accepts: (id: InstanceId, token: string) => Effect.map(authenticate(id, token), Option.isSome),
    listTokens: (id: InstanceId, query: Query) => tokens.list("all", id, query),
    issueToken: (id: InstanceId, token: typeof NewToken.Type) => tokens.issue("all", id, token),
    revokeToken: (id: TokenId) => tokens.revoke("all", null, id)
  }
})
