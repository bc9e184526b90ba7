/**
 * The settings of the process that handlers of the operator's API need.
 *
 * @module
 */
import { Context, type Option, type Redacted } from "effect"
import type * as AddressGuard from "../../platform/outward/AddressGuard.ts"

export class Settings extends Context.Service<
  Settings,
  {
    /** The key that encrypts secrets. */
    readonly secretsKey: Option.Option<Redacted.Redacted<Uint8Array>>
    /** Hosts outside the public internet to which webhooks may send events. */
    readonly webhookAllow: ReadonlyArray<AddressGuard.AllowedHost>
  }
>()("hydracore/cli/operator/Settings") {}
