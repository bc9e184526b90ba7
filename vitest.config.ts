import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/support/postgres/globalSetup.ts", "test/support/responses/globalSetup.ts"],
    setupFiles: ["test/support/responses/Recorder.ts"],
    // Most tests wait for something, so that two cores have time for three files; many more would crowd the one PostgreSQL.
    // In CI one after the other, so that what fails there fails by itself.
    maxWorkers: process.env["CI"] === "true" ? 1 : 3,
    // The files of one worker share their modules: loading them for each file takes longer than most tests.
    isolate: false,
    // Waits have deadlines of their own, which name the missing state. These only end a test that hangs on a busy machine too.
    testTimeout: 120_000,
    hookTimeout: 120_000
  }
})
