-- wrk script: signed deliveries, each with an id of its own. Arguments: FOLDER RUN
-- FOLDER holds payload-N.json and signature-N.txt; RUN makes the ids of two runs differ.
local payloads, run, thread, threads = {}, "", 0, 0

function setup(t)
  t:set("thread", threads)
  threads = threads + 1
end

function init(args)
  run = args[2]
  local host = wrk.headers["Host"] or "127.0.0.1"
  for n = 1, 8 do
    local file = assert(io.open(args[1] .. "/payload-" .. n .. ".json", "rb"))
    local body = file:read("*a")
    file:close()
    file = assert(io.open(args[1] .. "/signature-" .. n .. ".txt", "rb"))
    local signature = file:read("*a")
    file:close()
    payloads[n] = {
      "POST /webhooks/github HTTP/1.1\r\nHost: " .. host .. "\r\nUser-Agent: GitHub-Hookshot/0000000\r\n" ..
        "Accept: */*\r\nContent-Type: application/json\r\nX-GitHub-Event: issues\r\nX-GitHub-Hook-ID: 1\r\n" ..
        "X-GitHub-Hook-Installation-Target-ID: 7\r\nX-GitHub-Hook-Installation-Target-Type: integration\r\n" ..
        "X-Hub-Signature-256: " .. signature .. "\r\nContent-Length: " .. #body .. "\r\nX-GitHub-Delivery: ",
      "\r\n\r\n" .. body,
    }
  end
end

local count = 0

function request()
  count = count + 1
  local payload = payloads[count % 8 + 1]
  -- Scattered like GitHub's own ids, so that the unique index is not fed in order.
  local scattered = (count * 2654435761) % 4294967296
  return payload[1] .. string.format("%08x-%s-%d-%d", scattered, run, thread, count) .. payload[2]
end

function done(summary, latency, _)
  local errors = summary.errors
  io.write(string.format(
    '\nRESULT {"requests": %d, "seconds": %.6f, "p50_ms": %.3f, "p99_ms": %.3f, "not_2xx": %d, "socket_errors": %d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
