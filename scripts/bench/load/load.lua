-- The load that wrk sends. Every request has its own address (X-Forwarded-For), and, unless it is a chat, its own content.
-- Arguments after `--`: the kind (view, views, event, form, invalid, chat, completion), the site's id or the path of the chat (for views,
-- the number of websites, whose ids end with 1, 2, 3 and so on), the chat's request body as JSON, the chat's token, a random
-- seed. Prints one line at the end: `RESULT {...}`.

local agents = {
  "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0",
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
  "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Safari/605.1.15",
  "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
  "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36",
}

local paths = {
  view = "/v1/public/analytics/track",
  views = "/v1/public/analytics/track",
  invalid = "/v1/public/analytics/track",
  event = "/v1/public/analytics/event",
  form = "/v1/public/forms/submit",
  completion = "/v1/chat/completions",
}

local count = 0
local first, path, body, extra, websites

function init(args)
  local kind, subject, message, token = args[1], args[2], args[3], args[4]
  math.randomseed(tonumber(args[5] or os.time()))
  first = math.random(0, 16777215)
  path = paths[kind] or subject
  extra = ""
  if kind == "views" then
    websites = tonumber(subject)
    subject = "00000000-0000-4000-8000-%012d"
  end
  if kind == "view" or kind == "views" then
    body = '{"site_id":"' .. subject .. '","page_path":"/articles/%08d?utm_source=newsletter&utm_medium=email",'
      .. '"referrer":"https://www.example.org/search?q=news","screen_width":1440,"session_id":"s-%08d"}'
  elseif kind == "event" then
    body = '{"site_id":"' .. subject .. '","name":"Booking","page_path":"/articles/%08d","session_id":"s-%08d",'
      .. '"properties":{"tour":"First strokes","people":2},"revenue":{"currency":"EUR","amount":150}}'
  elseif kind == "invalid" then
    body = '{"site_id":"' .. subject .. '-%08d","screen_width":"wide","session_id":"s-%08d"}'
  elseif kind == "form" then
    body = '{"site_id":"' .. subject .. '","form_data":{"name":"Visitor %08d","company":"Example","topic":"A question",'
      .. '"message":"Good morning, could you tell me about order %08d, please? Thank you."},'
      .. '"email":"visitor@example.org","page_slug":"contact"}'
  else
    body = message:gsub("%%", "%%%%")
    if token and token ~= "" then extra = "X-Widget-Token: " .. token .. "\r\n" end
  end
end

function request()
  count = count + 1
  local n = (first + count) % 16777216
  local text = websites and body:format(n % websites + 1, n, n) or body:format(n, n)
  return ("POST %s HTTP/1.1\r\nHost: edge.example\r\nContent-Type: application/json\r\nUser-Agent: %s\r\n"
    .. "X-Forwarded-For: 10.%d.%d.%d\r\n%sContent-Length: %d\r\n\r\n%s"):format(
    path, agents[n % #agents + 1], math.floor(n / 65536), math.floor(n / 256) % 256, n % 256, extra, #text, text)
end

function done(summary, latency)
  local errors = summary.errors
  print(('RESULT {"requests":%d,"micros":%d,"bytes":%d,"refused":%d,"broken":%d,"p50":%d,"p99":%d}'):format(
    summary.requests, summary.duration, summary.bytes, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout, latency:percentile(50), latency:percentile(99)))
end
