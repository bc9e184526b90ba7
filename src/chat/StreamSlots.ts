/**
 * Limits how many chat streams are open at once in this process, per address and per instance. A resumed stream counts for its
 * address alone, because it sends no request to the instance's agent.
 *
 * @module
 */
import { Context, Layer, Option } from "effect"
import { clientKey } from "../platform/limits/ClientAddress.ts"
import * as OpenSlots from "../platform/limits/OpenSlots.ts"

/** `None` means no limit. */
export interface Options {
  readonly perAddress: Option.Option<number>
  readonly perInstance: Option.Option<number>
}

type Name = "address" | "instance"

export class StreamSlots extends Context.Service<
  StreamSlots,
  {
    /** Takes a slot for an answer, which the caller must release. */
    readonly openAnswer: (address: string, instanceId: string) => OpenSlots.Opening<Name>
    /** Takes a slot for a resumed stream, which the caller must release. */
    readonly openReader: (address: string) => OpenSlots.Opening<Name>
  }
>()("hydracore/chat/StreamSlots") {}

export const layer = ({ perAddress, perInstance }: Options): Layer.Layer<StreamSlots> =>
  Layer.sync(StreamSlots, () => {
    const slots = OpenSlots.make()
    const limitOf = (name: Name, id: string, limit: Option.Option<number>) =>
      Option.toArray(Option.map(limit, (limit) => ({ name, key: `${name} ${id}`, limit })))
    const ofAddress = (address: string) => limitOf("address", clientKey(address), perAddress)
    return {
      openAnswer: (address, instanceId) =>
        slots.open([...ofAddress(address), ...limitOf("instance", instanceId, perInstance)]),
      openReader: (address) => slots.open(ofAddress(address))
    }
  })
