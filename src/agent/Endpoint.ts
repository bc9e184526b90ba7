/**
 * Derives an agent's endpoint from the URL of its instance. Pure.
 *
 * @module
 */
import { Option } from "effect"

/**
 * Endings of documented base URLs that the endpoint follows directly: `/v1`, `/v4` (Zhipu), `/v1beta/openai` (Gemini),
 * `/openai/deployments/{name}` (Azure), `/endpoints/openapi` (Vertex AI), `/inference` (GitHub Models) and `/models`
 * (Azure AI Foundry).
 */
const completeBase =
  /\/(v\d+[a-z0-9]*|v\d+[a-z0-9]*\/openai|openai\/deployments\/[^/]+|endpoints\/openapi|inference|models)$/

/** Hosts of providers whose documented base URL has no path. */
const completeHosts: ReadonlySet<string> = new Set(["api.perplexity.ai", "api.githubcopilot.com"])

/**
 * The URL of the endpoint `path` (such as `chat/completions`) of an agent. If `agentUrl` ends with `path`, it is that URL
 * already. If it ends as a base above does, `/{path}` is added, and otherwise `/v1/{path}`. A query is kept. None if
 * `agentUrl` is not an http or https URL.
 */
export const of = (agentUrl: string, path: string): Option.Option<URL> => {
  const url = URL.parse(agentUrl)
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:")) return Option.none()
  url.hash = ""
  const base = url.pathname.replace(/\/+$/, "")
  if (base.endsWith(`/${path}`)) return Option.some(url)
  const isComplete = completeBase.test(base) || (base === "" && completeHosts.has(url.hostname))
  url.pathname = isComplete ? `${base}/${path}` : `${base}/v1/${path}`
  return Option.some(url)
}
