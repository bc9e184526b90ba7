/**
 * Fails the run if a test server's response to an operation of the contract had a status, a media type or a header that the
 * published document does not declare.
 *
 * @module
 */
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import path from "node:path"
import { OpenApi } from "effect/http-api"
import type { TestProject } from "vitest/node"
import { Api } from "../../../src/api/Api.ts"
import { OwnerApi } from "../../../src/api/OwnerApi.ts"
import { ownerPrefix } from "../../../src/platform/http/Routes.ts"
import * as Documented from "./Documented.ts"
import type { Recorded } from "./Recorder.ts"

/** The responses recorded in a folder. */
const recordedIn = async (folder: string): Promise<ReadonlyArray<Recorded>> => {
  const texts = await Promise.all((await readdir(folder)).map((file) => readFile(path.join(folder, file), "utf8")))
  return texts.flatMap((text) => text.split("\n").filter((line) => line !== "")).map((line) => JSON.parse(line))
}

/** The undeclared parts of responses, with the first test that got each. */
const faultsOf = (responses: ReadonlyArray<Recorded>): ReadonlyMap<string, string> => {
  const visitors = Documented.operationsOf(OpenApi.fromApi(Api) as never)
  const owners = Documented.operationsOf(OpenApi.fromApi(OwnerApi) as never)
  const faults = new Map<string, string>()
  for (const response of responses) {
    const operations = response.path?.startsWith(ownerPrefix) === true ? owners : visitors
    for (const fault of Documented.undocumented(operations, response)) {
      if (!faults.has(fault)) faults.set(fault, response.test)
    }
  }
  return faults
}

/** Vitest calls this before the first worker starts, and the returned function after the last one ends. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(path.join(tmpdir(), "hydracore-responses-"))
  project.provide("responses", folder)
  return async () => {
    const faults = faultsOf(await recordedIn(folder))
    await rm(folder, { recursive: true })
    if (faults.size === 0) return
    const lines = Array.from(faults, ([fault, test]) => `  ${fault} (seen in: ${test})`)
    // An exception would prevent the teardown of the other global setups.
    console.error(`The published document does not declare these responses:\n${lines.join("\n")}`)
    process.exitCode = 1
  }
}
