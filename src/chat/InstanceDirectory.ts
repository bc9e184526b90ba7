/**
 * Stores instances. The interface only; see `chat/memory/InstanceDirectory` and `chat/postgres/InstanceDirectory`.
 *
 * @module
 */
import { Context, type Effect, type Option, type Result } from "effect"
import type { LimitReached, StorageUnavailable } from "../platform/Storage.ts"
import type { Instance, InstanceChange, NewInstance } from "./Instance.ts"

export class InstanceDirectory extends Context.Service<
  InstanceDirectory,
  {
    /** Creates an instance. Fails if its website has as many as `Maximums.instances`. */
    readonly create: (instance: NewInstance) => Effect.Effect<Instance, StorageUnavailable | LimitReached>
    readonly find: (instanceId: string) => Effect.Effect<Option.Option<Instance>, StorageUnavailable>
    /**
     * Changes an instance and returns it; none if there is no such instance. Every process sees the change within a second. An
     * empty change returns the instance as it is stored.
     */
    readonly update: (
      instanceId: string,
      change: InstanceChange
    ) => Effect.Effect<Option.Option<Instance>, StorageUnavailable>
    /**
     * Like `update`, with a change that depends on the instance as it is stored: no other change happens in between. If `decide`
     * fails, nothing changes.
     */
    readonly modify: <E>(
      instanceId: string,
      decide: (before: Instance) => Result.Result<InstanceChange, E>
    ) => Effect.Effect<Option.Option<Instance>, E | StorageUnavailable>
    /**
     * Deletes an instance with its tokens and conversations. Within a second, every process refuses chats with it. False if there
     * is none.
     */
    readonly delete: (instanceId: string) => Effect.Effect<boolean, StorageUnavailable>
    /** Every instance, oldest first. */
    readonly list: Effect.Effect<ReadonlyArray<Instance>, StorageUnavailable>
  }
>()("hydracore/chat/InstanceDirectory") {}
