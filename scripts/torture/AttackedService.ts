/**
 * The service that scenarios send malicious requests to. Imports nothing of `src`.
 *
 * @module
 */
import { Context } from "effect"
import type { Target } from "./Load.ts"

export class AttackedService extends Context.Service<
  AttackedService,
  {
    /** The URL of its database. */
    readonly database: string
    readonly port: number
    readonly target: Target
  }
>()("hydracore/torture/AttackedService") {}
