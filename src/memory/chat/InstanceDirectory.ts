/**
 * Keeps the agents' instances in this process, for tests and trials. It holds as many as are created, which no visitor can
 * do.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { Effect, Layer, Option } from "effect"
import type { Instance } from "../../core/chat/Instance.ts"
import { InstanceDirectory } from "../../services/chat/InstanceDirectory.ts"

/** Instances, `instances` to begin with. */
export const layer = (options: { readonly instances?: ReadonlyArray<Instance> } = {}): Layer.Layer<InstanceDirectory> =>
  Layer.sync(InstanceDirectory, () => {
    const instances = new Map((options.instances ?? []).map((instance) => [instance.instanceId, instance]))
    return InstanceDirectory.of({
      create: ({ agentKeyEnv, agentModel, agentUrl, name, origins }) =>
        Effect.sync(() => {
          const instance: Instance = {
            instanceId: randomUUID(),
            name,
            agentUrl,
            agentModel,
            agentKeyEnv,
            origins: [...origins]
          }
          instances.set(instance.instanceId, instance)
          return instance
        }),
      find: (id) => Effect.sync(() => Option.fromUndefinedOr(instances.get(id))),
      update: (id, change) =>
        Effect.sync(() => {
          const instance = instances.get(id)
          if (instance === undefined) return Option.none()
          const changed: Instance = { ...instance, ...change }
          instances.set(id, changed)
          return Option.some(changed)
        }),
      delete: (id) => Effect.sync(() => instances.delete(id)),
      list: Effect.sync(() => [...instances.values()])
    })
  })
