/**
 * Keeps the agents' instances. The interface alone; see `memory/InstanceDirectory` and `postgres/InstanceDirectory`.
 *
 * @module
 */
import { Context, type Effect, type Option } from "effect"
import type { Instance } from "../core/Instance.ts"
import type { StorageUnavailable } from "./Storage.ts"

export class InstanceDirectory extends Context.Service<
  InstanceDirectory,
  {
    readonly create: (instance: Omit<Instance, "instanceId">) => Effect.Effect<Instance, StorageUnavailable>
    readonly find: (instanceId: string) => Effect.Effect<Option.Option<Instance>, StorageUnavailable>
    /** Points an instance to another address of its agent. False if there is no such instance. */
    readonly relocate: (instanceId: string, agentUrl: string) => Effect.Effect<boolean, StorageUnavailable>
    /** Every instance, oldest first. */
    readonly list: Effect.Effect<ReadonlyArray<Instance>, StorageUnavailable>
  }
>()("hydracore/services/InstanceDirectory") {}
