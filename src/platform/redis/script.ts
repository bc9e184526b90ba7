/**
 * The exact sliding window of `platform/limits/RateLimit` as an atomic Redis script.
 *
 * The accepted requests of a client, or of a network, are a list of times in milliseconds, oldest first. If the newest is in the future, the clock
 * was set back: all times shift back with it, so that the counts remain and the client waits at most one window. If the
 * clock is set forward by a window, the counts expire.
 *
 * @module
 */
import { hash } from "node:crypto"

/**
 * `KEYS`: the list of the client, and that of its network if it has one. `ARGV`: the window and a list's time to live after a
 * change (both in milliseconds), the current time, or an empty string for the server's, and the limit of each list. Counts the
 * request in all lists, or in none if a limit is reached. Returns the current time and, for each list, the number of requests
 * counted before this one and the time of the oldest of them (0 if there is none).
 */
export const script = `
local window = tonumber(ARGV[1])
local now = tonumber(ARGV[3])
if not now then
  local time = redis.call("TIME")
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end

local result = { now }
local changed = {}
local accepted = true
for index, key in ipairs(KEYS) do
  local function at(position)
    return tonumber(redis.call("LINDEX", key, position) or "")
  end

  local newest = at(-1)
  if newest and newest > now then
    local times = redis.call("LRANGE", key, 0, -1)
    redis.call("DEL", key)
    for _, time in ipairs(times) do
      redis.call("RPUSH", key, string.format("%.0f", time - newest + now))
    end
    changed[index] = true
  elseif newest and newest <= now - window then
    redis.call("DEL", key)
  end

  local oldest = at(0)
  while oldest and oldest <= now - window do
    redis.call("LPOP", key)
    oldest = at(0)
  end

  local count = redis.call("LLEN", key)
  accepted = accepted and count < tonumber(ARGV[3 + index])
  table.insert(result, count)
  table.insert(result, oldest or 0)
end

for index, key in ipairs(KEYS) do
  if accepted then redis.call("RPUSH", key, string.format("%.0f", now)) end
  if accepted or changed[index] then redis.call("PEXPIRE", key, ARGV[2]) end
end
return result
`

/** The script's digest, for `EVALSHA`. */
export const scriptSha = hash("sha1", script)
