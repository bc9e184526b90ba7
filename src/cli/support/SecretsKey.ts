/**
 * The key of the settings that encrypts secrets, for commands that store secrets.
 *
 * @module
 */
import { Context, type Option, type Redacted } from "effect"

export class SecretsKey extends Context.Service<SecretsKey, Option.Option<Redacted.Redacted<Uint8Array>>>()(
  "hydracore/cli/support/SecretsKey"
) {}
