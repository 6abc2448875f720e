-- The same work as two_checks.lua, as a hook of wrk.
local passed, failed = 0, 0
local threads = {}

function setup(thread)
    table.insert(threads, thread)
end

local function check(held)
    if held then passed = passed + 1 else failed = failed + 1 end
end

function response(status, headers, body)
    check(status == 200)
    check(string.find(body, "hello", 1, true) ~= nil)
    total_failed = failed
end

function done()
    local all = 0
    for _, thread in ipairs(threads) do
        all = all + (thread:get("total_failed") or 0)
    end
    print("failed checks: " .. all)
end
