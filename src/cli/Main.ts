/**
 * The entry point of the command line.
 *
 * @module
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Cause, Effect, Exit, Layer, Runtime } from "effect"
import * as Environment from "../platform/settings/Environment.ts"
import * as Program from "./Program.ts"

const args = process.argv.slice(2)

/** Interrupting `serve` or `demo` is a success; interrupting any other command is a failure. */
const teardown: Runtime.Teardown = (exit, onExit) =>
  Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause) && Program.isService(args)
    ? onExit(0)
    : Runtime.defaultTeardown(exit, onExit)

NodeRuntime.runMain(Program.run(args).pipe(Effect.provide(Layer.provideMerge(Environment.layer, NodeServices.layer))), {
  teardown,
  disableErrorReporting: true
})
