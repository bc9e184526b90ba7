/**
 * Instances and their tokens, as the operator manages them: of all websites and of none, with agents at private addresses and keys in the variables
 * of the service's environment.
 *
 * @module
 */
import { Effect, type Option, Schema } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as AgentCheck from "../../chat/agent/AgentCheck.ts"
import * as Inspection from "../../chat/agent/Inspection.ts"
import * as Instance from "../../chat/Instance.ts"
import * as InstanceChanges from "../../chat/InstanceChanges.ts"
import { InstanceDirectory } from "../../chat/InstanceDirectory.ts"
import * as InstanceInput from "../../chat/InstanceInput.ts"
import * as OwnerInstances from "../../chat/OwnerInstancesApi.ts"
import * as OwnerTokens from "../../chat/OwnerTokensApi.ts"
import * as TokenHandlers from "../../chat/OwnerTokensHttp.ts"
import { WebsiteConfigId } from "../../platform/Id.ts"
import * as Errors from "../../sites/access/Errors.ts"
import * as Fields from "../../sites/access/Fields.ts"
import * as Operations from "./Operations.ts"

const base = "/operator/instances"

export const ofInstance = { instance_id: OwnerInstances.instanceId }

const { agent_key: _, ...common } = OwnerInstances.common

const settings = {
  ...common,
  website_config_id: Schema.optionalKey(Schema.NullOr(WebsiteConfigId)),
  agent_key_env: OwnerInstances.nullable(
    { type: "string" },
    Fields.readParsed(InstanceInput.parseVariable, "the name of an environment variable is expected")
  )
}

const NewInstance = Schema.Struct({ name: Fields.name("Name"), agent_url: OwnerInstances.agentUrl, ...settings })

const InstanceChange = Schema.Struct({
  name: Schema.optionalKey(Fields.name("Name")),
  agent_url: Schema.optionalKey(OwnerInstances.agentUrl),
  ...settings
})

/** The instances of a website, or all, oldest first. */
const list = HttpApiEndpoint.get("list", base, {
  query: { site_id: Schema.optionalKey(WebsiteConfigId) },
  success: Schema.Struct({ instances: Schema.Array(Instance.OperatorInstance) }),
  error: Operations.failures
})

const create = HttpApiEndpoint.post("create", base, {
  payload: NewInstance,
  success: Instance.OperatorInstance,
  error: Operations.failures
})

const read = HttpApiEndpoint.get("read", `${base}/:instance_id`, {
  params: ofInstance,
  success: Instance.OperatorInstance,
  error: Operations.failures
})

const update = HttpApiEndpoint.patch("update", `${base}/:instance_id`, {
  params: ofInstance,
  payload: InstanceChange,
  success: Instance.OperatorInstance,
  error: Operations.failures
})

const remove = HttpApiEndpoint.delete("delete", `${base}/:instance_id`, {
  params: ofInstance,
  success: HttpApiSchema.NoContent,
  error: Operations.failures
})

/** Sends the agent a short question. Unlike an owner's, the outcome has the reason of a failure. */
const test = HttpApiEndpoint.post("test", `${base}/:instance_id/test`, {
  params: ofInstance,
  success: AgentCheck.Outcome,
  error: Operations.failures
})

const listTokens = HttpApiEndpoint.get("listTokens", `${base}/:instance_id/tokens`, {
  params: ofInstance,
  query: OwnerTokens.query,
  success: OwnerTokens.Tokens,
  error: Operations.failures
})

const issueToken = HttpApiEndpoint.post("issueToken", `${base}/:instance_id/tokens`, {
  params: ofInstance,
  payload: OwnerTokens.NewToken,
  success: OwnerTokens.IssuedToken,
  error: Operations.failures
})

const revokeToken = HttpApiEndpoint.delete("revokeToken", "/operator/tokens/:token_id", {
  params: { token_id: OwnerTokens.tokenId },
  success: HttpApiSchema.NoContent,
  error: Operations.failures
})

export const Api = Operations.api(
  HttpApiGroup.make("instances").add(list, create, read, update, remove, test, listTokens, issueToken, revokeToken)
)

export const notFound = Errors.make(
  "NotFound",
  "There is no instance with this instance_id. `hydracore instance list` shows them."
)

/** How long the agent may take to answer: a runtime may have to load its model first. */
const testTimeout = "30 seconds"

export const layer = (options: InstanceChanges.Options) =>
  HttpApiBuilder.group(
    Api,
    "instances",
    Effect.fnUntraced(function* (handlers) {
      const directory = yield* InstanceDirectory
      const changes = yield* InstanceChanges.make(options)
      const check = yield* Inspection.AgentCheck
      const tokens = yield* TokenHandlers.make
      const found = <E, R>(instance: Effect.Effect<Option.Option<Instance.Instance>, E, R>) =>
        Effect.flatMap(
          instance,
          Effect.fromOption(() => notFound)
        )
      return handlers
        .handle("list", ({ query }) =>
          Effect.map(directory.list(query.site_id ?? "all"), (instances) => ({
            instances: instances.map(Instance.forOperator)
          }))
        )
        .handle("create", ({ payload }) => Effect.map(changes.createAsOperator(payload), Instance.forOperator))
        .handle("read", ({ params }) =>
          Effect.map(found(directory.read("all", params.instance_id)), Instance.forOperator)
        )
        .handle("update", ({ params, payload }) =>
          Effect.map(found(changes.updateAsOperator(params.instance_id, payload)), Instance.forOperator)
        )
        .handle(
          "delete",
          Effect.fnUntraced(function* ({ params }) {
            if (!(yield* directory.delete("all", params.instance_id))) return yield* Effect.fail(notFound)
          })
        )
        .handle(
          "test",
          Effect.fnUntraced(function* ({ params }) {
            const instance = yield* found(directory.read("all", params.instance_id))
            return yield* check.ask(instance, AgentCheck.ofOperator, testTimeout)
          })
        )
        .handle("listTokens", ({ params, query }) => tokens.list("all", params.instance_id, query))
        .handle("issueToken", ({ params, payload }) => tokens.issue("all", params.instance_id, payload))
        .handle("revokeToken", ({ params }) => tokens.revoke("all", null, params.token_id))
    })
  )
