#!/usr/bin/env -S node --max-semi-space-size=8 --heap-growing-percent=60 --no-allocation-site-pretenuring
import { enableCompileCache } from "node:module"
import { fileURLToPath } from "node:url"

// Compiling modules takes half of the start. The cache is next to the packages, where no other user can write; without
// write access, Node runs uncached. It must be enabled before the first module loads, hence the dynamic import.
enableCompileCache(fileURLToPath(new URL("../node_modules/.cache/compile", import.meta.url)))
// `serve --workers` forks this program for each worker, with an IPC channel.
await import(process.argv[2] === "worker" && process.connected ? "./cli/Worker.ts" : "./cli/Main.ts")
