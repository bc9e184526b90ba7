/**
 * The operator's API: what only the operator may do, because an owner could reach the operator's network or read its environment
 * with it, send mail to strangers, or read what belongs to no website or to another one. No HTTP server serves this API; commands
 * call it in their process (`Identity.ts`). Each of its groups is a file, with its operations and their handlers.
 *
 * @module
 */
import { Context, type Option, type Redacted } from "effect"
import * as HttpApi from "effect/http-api/HttpApi"
import type * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import type * as AddressGuard from "../../platform/outward/AddressGuard.ts"
import { Authentication, Validation } from "../../sites/access/AuthenticationApi.ts"
import * as Errors from "../../sites/access/Errors.ts"

/** All paths of this API begin with it. */
export const prefix = "/operator/"

/** What every operation may fail with. */
export const failures = [Errors.NotFound, Errors.ServiceUnavailable] as const

/** The API that consists of one group. */
export const api = <Group extends HttpApiGroup.Constraint>(group: Group) =>
  HttpApi.make("hydracore-operator").add(group).middleware(Validation).middleware(Authentication)

export const noSite = Errors.make(
  "NotFound",
  "There is no website with this site_id. `hydracore site list` shows them."
)

export class Settings extends Context.Service<
  Settings,
  {
    /** The key that encrypts secrets. */
    readonly secretsKey: Option.Option<Redacted.Redacted<Uint8Array>>
    /** Hosts outside the public internet to which webhooks may send events. */
    readonly webhookAllow: ReadonlyArray<AddressGuard.AllowedHost>
  }
>()("hydracore/cli/operator/Settings") {}
