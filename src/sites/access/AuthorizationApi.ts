/**
 * Declares the scope that an operation of the owner API requires, and that the caller's access is checked before the body is
 * read. `sites/access/Authorization.ts` implements the check.
 *
 * @module
 */
import { Context } from "effect"
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Maximums from "../Maximums.ts"
import type { Caller } from "./AuthenticationApi.ts"
import * as Errors from "./Errors.ts"
import type { Scope } from "./Scope.ts"

/** The scope that an operation requires. */
export class RequiredScope extends Context.Service<RequiredScope, Scope>()(
  "hydracore/sites/access/AuthorizationApi/RequiredScope"
) {}

/** The maximums of what an operation creates. An operation without them creates nothing that stays, or replaces something. */
export class CreatesUpTo extends Context.Service<CreatesUpTo, ReadonlyArray<Maximums.Maximum>>()(
  "hydracore/sites/access/AuthorizationApi/CreatesUpTo"
) {}

/** Annotations of an operation, with the scope that it requires and the maximums of what it creates: its description names both. */
export const operation = (
  scope: Scope,
  {
    description,
    maximums,
    ...documented
  }: {
    readonly description: string
    readonly maximums?: ReadonlyArray<Maximums.Maximum>
  } & Parameters<typeof OpenApi.annotations>[0]
) => {
  const sentences = [
    description,
    ...(maximums === undefined ? [] : [Maximums.description(maximums)]),
    `Scope \`${scope}\`.`
  ]
  const annotations = Context.add(
    OpenApi.annotations({ ...documented, description: sentences.join(" ") }),
    RequiredScope,
    scope
  )
  return maximums === undefined ? annotations : Context.add(annotations, CreatesUpTo, maximums)
}

/**
 * Refuses callers that do not reach the website in the path, or whose scope is too small, before anything else of the request is
 * decoded.
 */
export class Authorization extends HttpApiMiddleware.Service<Authorization, { requires: Caller }>()(
  "hydracore/sites/access/AuthorizationApi",
  { error: [Errors.NotFound, Errors.ServiceUnavailable] }
) {}
