/**
 * nginx in front of processes of the service, configured as in the operator's guide.
 *
 * @module
 */
import { Effect, type Scope } from "effect"
import * as Ports from "../../test/support/Ports.ts"
import { until } from "../../test/support/Wait.ts"
import * as Daemon from "./Daemon.ts"

/** The path of nginx, or undefined if it is not installed. */
export const executable = Daemon.find(["/usr/sbin/nginx", "nginx"], "-v")

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
  const port = wanted ?? (yield* Ports.free)
  const { child, output } = yield* Daemon.start({
    program: executable ?? "nginx",
    configure: (folder) => config(folder, port, upstreams),
    args: (file, folder) => ["-p", folder, "-c", file],
    // Not SIGKILL: nginx's worker must end, too.
    endsBy: "SIGTERM",
    // Refused connections are expected during a restart: nginx retries the request on another process.
    keep: (text) =>
      text
        .split("\n")
        .filter((line) => line !== "" && !line.includes("connect() failed"))
        .map((line) => `${line}\n`)
        .join("")
  })
  const url = `http://127.0.0.1:${port}`
  yield* until("nginx answers", async () => {
    if (child.exitCode !== null) throw new Error(`nginx ended: ${output()}`)
    return await fetch(`${url}/healthz`).then(
      () => true,
      () => false
    )
  })
  return { url, pid: child.pid ?? 0, errors: output }
})
