import { randomInt } from "node:crypto"
import { defineConfig } from "vitest/config"
import { BaseSequencer, type TestSpecification } from "vitest/node"

/** The seed of the property tests: fixed, or a number or `random` in `PROPERTY_SEED`. */
const propertySeed = (text = ""): number => {
  if (text === "") return 28
  if (text === "random") return randomInt(2 ** 32)
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new Error(`PROPERTY_SEED is "${text}". Set it to a whole number from 0, or to "random".`)
}

/** The test files that start processes, browsers or servers. They wait for most of their time. */
const long =
  /\/test\/(?:faults|outside|browser|console|docs|build|platform\/(?:cluster|postgres\/embedded|redis\/Topology)|server\/postgres\/Readiness|analytics\/reports\/clickhouse|analytics\/clickhouse|privacy\/postgres\/SiteErasure|cli\/(?:Texts|commands\/Submissions)|chat\/agent\/AgentFlood)\b/

/** The long files that keep the processors busy. */
const busy = /\/test\/(?:browser|console|outside)\b/

/** Joins lists so that the files of each are spread evenly. */
const spread = <A>(...lists: ReadonlyArray<ReadonlyArray<A>>): Array<A> =>
  lists
    .flatMap((list) => list.map((value, index) => ({ value, position: (index + 0.5) / list.length })))
    .sort((one, other) => one.position - other.position)
    .map(({ value }) => value)

/**
 * Starts long files first, so that no worker is left with one at the end. Files that keep the processors busy alternate with files that
 * wait. The other files follow in Vitest's order.
 */
class LongFirst extends BaseSequencer {
  override async sort(files: Array<TestSpecification>): Promise<Array<TestSpecification>> {
    const sorted = await super.sort(files)
    const matching = (pattern: RegExp, isMatch: boolean, among: ReadonlyArray<TestSpecification>) =>
      among.filter(({ moduleId }) => pattern.test(moduleId) === isMatch)
    const longest = matching(long, true, sorted)
    return [...spread(matching(busy, true, longest), matching(busy, false, longest)), ...matching(long, false, sorted)]
  }
}

/**
 * An assertion takes a third of the time without Chai's proxies, which only find misspelled names, as the compiler does. Vitest's type
 * of its option leaves `useProxy` out, so these are not written in place. `includeStack` is as by default.
 */
const chaiConfig = { includeStack: false, useProxy: false }

export default defineConfig({
  test: {
    chaiConfig,
    // Node loads the sources, as in production. If Vite transforms them, the tests take a tenth more processor time.
    // Vitest's loader is off: it parses each test file again for module mocks and `import.meta.vitest`, which no test uses.
    experimental: { viteModuleRunner: false, nodeLoader: false },
    include: ["test/**/*.test.ts"],
    globalSetup: [
      "test/support/built/globalSetup.ts",
      "test/support/postgres/globalSetup.ts",
      "test/support/responses/globalSetup.ts"
    ],
    setupFiles: ["test/support/setup.mjs"],
    provide: { propertySeed: propertySeed(process.env["PROPERTY_SEED"]) },
    sequence: { sequencer: LongFirst },
    // Most tests wait for something: with three files at once, a third of the time of two cores was unused. Many more than five
    // would crowd the one PostgreSQL.
    maxWorkers: 5,
    // The files of one worker share their modules: loading them for each file takes longer than most tests.
    isolate: false,
    // Most of what a test allocates is dropped soon. In smaller spaces, copying it takes a tenth of a worker's processor time.
    execArgv: ["--min-semi-space-size=32", "--max-semi-space-size=64"],
    // DO_NOT_TRACK: no package reports a run of the tests to its publisher.
    env: { DO_NOT_TRACK: "1" },
    // Waits have deadlines of their own, which name the missing state. These limits only end a test that hangs.
    testTimeout: 300_000,
    hookTimeout: 300_000
  }
})
