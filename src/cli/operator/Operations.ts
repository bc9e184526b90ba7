/**
 * The operator's API: what only the operator may do, because an owner could reach the operator's network or read its environment
 * with it, send mail to strangers, or read what belongs to no website or to another one. No HTTP server serves this API; commands
 * call it in their process (`cli/client/Local.ts`). Each of its groups is a file, with its operations and their handlers.
 *
 * @module
 */
import * as HttpApi from "effect/http-api/HttpApi"
import type * as HttpApiGroup from "effect/http-api/HttpApiGroup"
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
