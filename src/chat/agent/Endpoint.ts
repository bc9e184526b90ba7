/**
 * Derives an agent's endpoint from the URL of its instance. Pure.
 *
 * @module
 */
import { Option } from "effect"

/**
 * Endings of documented base URLs to which only the endpoint's path is added: `/v1`, `/v4` (Zhipu), `/v1beta/openai` (Gemini),
 * `/openai/deployments/{name}` (Azure), `/endpoints/openapi` (Vertex AI), `/inference` (GitHub Models) and `/models`
 * (Azure AI Foundry).
 */
const completeBase =
  /\/(v\d+[a-z0-9]*|v\d+[a-z0-9]*\/openai|openai\/deployments\/[^/]+|endpoints\/openapi|inference|models)$/

/** Hosts of providers whose documented base URL has no path. */
const completeHosts: ReadonlySet<string> = new Set(["api.perplexity.ai", "api.githubcopilot.com"])

/**
 * The URL of the endpoint `path` (such as `chat/completions`) of an agent. If `agentUrl` already ends with `path`, it is the
 * result. Otherwise `/{path}` is added if `agentUrl` is one of the base URLs above, and `/v1/{path}` if not. A query is kept.
 * None if `agentUrl` is not an http or https URL.
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
