-- Peers: makes wrk post new failures, worded by Flux (`flux`) or as an alert of the same length (`alert`).
-- Arguments after `--`: one of the two, and a prefix that keeps the names of this run apart. Prints a line of JSON at the end.
local threads = 0
local count = 0

function setup(thread)
  thread:set("id", threads)
  threads = threads + 1
end

local message = "kustomize build failed: accumulating resources: accumulation err='accumulating resources from '%s/deployment.yaml': open %s/deployment.yaml: no such file or directory': must build at directory"
local revision = "main@sha1:4f2c91d0b7e84c6a9d35f1e20c7ab8d964e15f3a"

local bodies = {
  flux = function(name)
    return '{"involvedObject":{"apiVersion":"kustomize.toolkit.fluxcd.io/v1","kind":"Kustomization","name":"' .. name ..
      '","namespace":"apps","resourceVersion":"48113","uid":"6c1f0b1e-5a53-4b7a-9d5e-0d9b0a0f6c11"},"severity":"error","timestamp":"' ..
      now .. '","message":"' .. string.format(message, name, name) ..
      '","reason":"BuildFailed","metadata":{"kustomize.toolkit.fluxcd.io/revision":"' .. revision ..
      '"},"reportingController":"kustomize-controller","reportingInstance":"kustomize-controller-7d6b5c4f9-x2x8p"}'
  end,
  alert = function(name)
    return '[{"labels":{"alertname":"BuildFailed","apiVersion":"kustomize.toolkit.fluxcd.io/v1","kind":"Kustomization","name":"' ..
      name .. '","namespace":"apps","severity":"error","uid":"6c1f0b1e-5a53-4b7a-9d5e-0d9b0a0f6c11"},"startsAt":"' .. now ..
      '","annotations":{"message":"' .. string.format(message, name, name) .. '","revision":"' .. revision ..
      '","reportingController":"kustomize-controller","reportingInstance":"kustomize-controller-7d6b5c4f9-x2x8p"}}]'
  end
}

function init(args)
  make = bodies[args[1]]
  prefix = args[2]
  now = os.date("!%Y-%m-%dT%H:%M:%SZ")
  wrk.method = "POST"
  wrk.headers["Content-Type"] = "application/json"
end

function request()
  count = count + 1
  return wrk.format(nil, nil, nil, make(prefix .. "-" .. id .. "-" .. string.format("%07d", count)))
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format('{"count":%d,"seconds":%f,"p50":%f,"p99":%f,"refused":%d}\n', summary.requests,
    summary.duration / 1e6, latency:percentile(50) / 1000, latency:percentile(99) / 1000,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
