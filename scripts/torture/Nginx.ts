/**
 * nginx in front of processes of the service, configured as in the operator's guide.
 *
 * @module
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import path from "node:path"
import { Effect, type Scope } from "effect"
import { until } from "../../test/support/Wait.ts"

/** The path of nginx, or undefined if it is not installed. */
export const executable: string | undefined = ["/usr/sbin/nginx", "nginx"].find((name) => {
  try {
    execFileSync(name, ["-v"], { stdio: "ignore" })
    return true
  } catch {
    return false
  }
})

/** A free loopback TCP port, which another process may still take. */
export const freePort: Effect.Effect<number> = Effect.promise(
  () =>
    new Promise<number>((resolve, reject) => {
      const server = createServer()
      server.once("error", reject)
      server.listen(0, "127.0.0.1", () => {
        const address = server.address()
        server.close(() =>
          typeof address === "object" && address !== null ? resolve(address.port) : reject(new Error("no port"))
        )
      })
    })
)

/** How to install nginx. */
export const install = "nginx: apt-get install nginx-light, brew install nginx"

/** Directives that make nginx store temporary files in `folder`. */
export const temporaryPaths = (folder: string): string =>
  ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `${name}_temp_path ${folder}/${name};`)
    .join("\n  ")

/**
 * A request is retried on another process only if it was not sent yet, so that nothing is stored twice. `max_fails=0`: by
 * default a restarted process counts as down for a while, and no process would be left when the next one restarts.
 */
const config = (folder: string, port: number, upstreams: ReadonlyArray<number>) => `
daemon off;
worker_processes 1;
pid ${folder}/nginx.pid;
error_log stderr warn;
events { worker_connections 1024; }
http {
  access_log off;
  ${temporaryPaths(folder)}
  upstream edge {
    ${upstreams.map((upstream) => `server 127.0.0.1:${upstream} max_fails=0;`).join("\n    ")}
    keepalive 32;
    keepalive_timeout 50s;
  }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://edge;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_buffering off;
      proxy_read_timeout 75s;
      proxy_next_upstream error timeout;
    }
  }
}
`

export interface Nginx {
  readonly url: string
  /** The master process. */
  readonly pid: number
  /** The error log, without the refused connections. */
  readonly errors: () => string
}

/** Starts nginx, on a free port unless one is given; it ends with the scope. */
export const start = Effect.fnUntraced(function* (
  upstreams: ReadonlyArray<number>,
  wanted?: number
): Effect.fn.Return<Nginx, never, Scope.Scope> {
  const port = wanted ?? (yield* freePort)
  const folder = yield* Effect.acquireRelease(
    Effect.sync(() => {
      const made = mkdtempSync(path.join(tmpdir(), "hydracore-nginx-"))
      writeFileSync(path.join(made, "nginx.conf"), config(made, port, upstreams))
      return made
    }),
    (made) => Effect.sync(() => rmSync(made, { recursive: true, force: true }))
  )
  let errors = ""
  const child = yield* Effect.acquireRelease(
    Effect.sync((): ChildProcess => {
      const nginx = spawn(executable ?? "nginx", ["-p", folder, "-c", path.join(folder, "nginx.conf")], {
        stdio: ["ignore", "ignore", "pipe"]
      })
      // SIGTERM and not SIGKILL: nginx's worker must end, too.
      const killOnExit = () => nginx.kill("SIGTERM")
      process.once("exit", killOnExit)
      nginx.once("exit", () => process.off("exit", killOnExit))
      nginx.stderr.setEncoding("utf8").on("data", (text: string) => {
        // Refused connections are expected during a restart: nginx retries the request on another process.
        const lines = text.split("\n").filter((line) => line !== "" && !line.includes("connect() failed"))
        if (lines.length > 0 && errors.length < 1_000_000) errors += `${lines.join("\n")}\n`
      })
      return nginx
    }),
    (nginx) =>
      Effect.promise(
        () =>
          new Promise<void>((resolve) => {
            if (nginx.exitCode !== null || nginx.signalCode !== null) return resolve()
            nginx.once("exit", () => resolve())
            nginx.kill("SIGTERM")
          })
      )
  )
  const url = `http://127.0.0.1:${port}`
  yield* until("nginx answers", async () => {
    if (child.exitCode !== null) throw new Error(`nginx ended: ${errors}`)
    return await fetch(`${url}/healthz`).then(
      () => true,
      () => false
    )
  })
  return { url, pid: child.pid ?? 0, errors: () => errors }
})
