/**
 * The exact sliding window of `core/limits/RateLimit` as an atomic Redis script.
 *
 * A client's accepted requests are a list of times in milliseconds, oldest first. If the newest is in the future, the clock
 * was set back: all times shift back with it, so that the counts remain and the client waits at most one window. If the
 * clock is set forward by a window, the counts expire.
 *
 * @module
 */
import { hash } from "node:crypto"

/**
 * `KEYS`: the client's list. `ARGV`: the limit, the window and the list's time to live after a change (both in
 * milliseconds), and the current time, or an empty string for the server's. Returns the number of requests counted before
 * this one, the time of the oldest counted request (0 if there is none), and the current time.
 */
export const script = `
local key = KEYS[1]
local limit = tonumber(ARGV[1])
local window = tonumber(ARGV[2])
local now = tonumber(ARGV[4])
if not now then
  local time = redis.call("TIME")
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end

local function at(index)
  return tonumber(redis.call("LINDEX", key, index) or "")
end

local changed = false
local newest = at(-1)
if newest and newest > now then
  local times = redis.call("LRANGE", key, 0, -1)
  redis.call("DEL", key)
  for _, time in ipairs(times) do
    redis.call("RPUSH", key, string.format("%.0f", time - newest + now))
  end
  changed = true
elseif newest and newest <= now - window then
  redis.call("DEL", key)
end

local oldest = at(0)
while oldest and oldest <= now - window do
  redis.call("LPOP", key)
  oldest = at(0)
end

local count = redis.call("LLEN", key)
if count < limit then
  redis.call("RPUSH", key, string.format("%.0f", now))
  changed = true
end
if changed then redis.call("PEXPIRE", key, ARGV[3]) end
return { count, oldest or 0, now }
`

/** The script's digest, for `EVALSHA`. */
export const scriptSha = hash("sha1", script)
