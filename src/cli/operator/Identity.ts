/**
 * The operator's identity. A person who can run a command on the database may use every operation.
 *
 * It replaces the authentication of requests and exists only in the process of a command. No server can import it (the order of
 * folders), so no server has it, and no key, session or request reaches it.
 *
 * @module
 */
import { Effect, Layer } from "effect"
import type { HttpServerResponse } from "effect/http"
import * as Access from "../../sites/access/Access.ts"
import {
  Authentication,
  Caller,
  Guest,
  type Identity,
  SharedAuthentication
} from "../../sites/access/AuthenticationApi.ts"

const operator: Identity = {
  id: "operator",
  kind: "operator",
  access: [{ grants: Access.scopeGrants.write, sites: "all" }],
  session: null,
  expiresAt: null,
  isValid: Effect.succeed(true)
}

const asOperator = <E, R>(handler: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R | Caller>) =>
  Effect.provideService(handler, Caller, operator)

const unused = Effect.die(new Error("A command opens no session and no shared dashboard."))

/** Every caller is the operator. Sessions and shared dashboards, which take a secret, are for browsers. */
export const layer = Layer.mergeAll(
  Layer.succeed(Authentication, {
    consoleSession: asOperator,
    localConsoleSession: asOperator,
    ownerKey: asOperator
  }),
  Layer.succeed(Guest, () => unused),
  Layer.succeed(SharedAuthentication, { shareSecret: () => unused })
)
